package flowtable

import (
	"cmp"
	"iter"
	"slices"
	"unicode"
)

// maxStack limits the combining characters on one character that take no column.
const maxStack = 8

// Columns returns the number of columns that s takes on a terminal. Combining characters take
// none, and wide ones two. Terminals differ in sequences such as emoji with a variation
// selector, and in characters of ambiguous width, which count as one column here. So that a
// long text is cut, further ones take one each after 8 in a row.
func Columns(s string) (n int) {
	for _, c := range widths(s) {
		n += c
	}
	return n
}

// CutColumns returns as much of the beginning of s as fits into n columns.
func CutColumns(s string, n int) string {
	for i, c := range widths(s) {
		if n -= c; n < 0 {
			return s[:i]
		}
	}
	return s
}

// lastColumns returns as much of the end of s as fits into n columns, without combining
// characters at its beginning.
func lastColumns(s string, n int) string {
	over := Columns(s) - n
	for i, c := range widths(s) {
		if over <= 0 && c > 0 {
			return s[i:]
		}
		over -= c
	}
	return ""
}

// widths returns the index and the columns of each character of s.
func widths(s string) iter.Seq2[int, int] {
	return func(yield func(i, columns int) bool) {
		stack := 0
		for i, r := range s {
			c := columns(r)
			if stack++; c > 0 {
				stack = 0
			} else if stack > maxStack {
				c = 1
			}
			if !yield(i, c) {
				return
			}
		}
	}
}

// columns returns the number of columns of r.
func columns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf), 0x1160 <= r && r <= 0x11ff, 0xd7b0 <= r && r <= 0xd7fb:
		return 0 // the ranges are vowels and finals of Hangul, which join the letter before
	case isWide(r):
		return 2
	}
	return 1
}

// isWide reports whether r is Wide or Fullwidth in EastAsianWidth.txt of Unicode 17.0.0. The
// ranges contain combining and unassigned characters where that makes them fewer.
func isWide(r rune) bool {
	ranges := [...][2]rune{
		{0x1100, 0x115f}, {0x231a, 0x231b}, {0x2329, 0x232a}, {0x23e9, 0x23ec}, {0x23f0, 0x23f0}, {0x23f3, 0x23f3},
		{0x25fd, 0x25fe}, {0x2614, 0x2615}, {0x2630, 0x2637}, {0x2648, 0x2653}, {0x267f, 0x267f}, {0x268a, 0x268f},
		{0x2693, 0x2693}, {0x26a1, 0x26a1}, {0x26aa, 0x26ab}, {0x26bd, 0x26be}, {0x26c4, 0x26c5}, {0x26ce, 0x26ce},
		{0x26d4, 0x26d4}, {0x26ea, 0x26ea}, {0x26f2, 0x26f3}, {0x26f5, 0x26f5}, {0x26fa, 0x26fa}, {0x26fd, 0x26fd},
		{0x2705, 0x2705}, {0x270a, 0x270b}, {0x2728, 0x2728}, {0x274c, 0x274c}, {0x274e, 0x274e}, {0x2753, 0x2755},
		{0x2757, 0x2757}, {0x2795, 0x2797}, {0x27b0, 0x27b0}, {0x27bf, 0x27bf}, {0x2b1b, 0x2b1c}, {0x2b50, 0x2b50},
		{0x2b55, 0x2b55}, {0x2e80, 0x303e}, {0x3041, 0x3247}, {0x3250, 0xa4c6}, {0xa960, 0xa97c}, {0xac00, 0xd7a3},
		{0xf900, 0xfad9}, {0xfe10, 0xfe6b}, {0xff01, 0xff60}, {0xffe0, 0xffe6}, {0x16fe0, 0x1b2fb}, {0x1d300, 0x1d376},
		{0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e}, {0x1f191, 0x1f19a}, {0x1f200, 0x1f320}, {0x1f32d, 0x1f335},
		{0x1f337, 0x1f37c}, {0x1f37e, 0x1f393}, {0x1f3a0, 0x1f3ca}, {0x1f3cf, 0x1f3d3}, {0x1f3e0, 0x1f3f0}, {0x1f3f4, 0x1f3f4},
		{0x1f3f8, 0x1f43e}, {0x1f440, 0x1f440}, {0x1f442, 0x1f4fc}, {0x1f4ff, 0x1f53d}, {0x1f54b, 0x1f54e}, {0x1f550, 0x1f567},
		{0x1f57a, 0x1f57a}, {0x1f595, 0x1f596}, {0x1f5a4, 0x1f5a4}, {0x1f5fb, 0x1f64f}, {0x1f680, 0x1f6c5}, {0x1f6cc, 0x1f6cc},
		{0x1f6d0, 0x1f6d2}, {0x1f6d5, 0x1f6df}, {0x1f6eb, 0x1f6ec}, {0x1f6f4, 0x1f6fc}, {0x1f7e0, 0x1f7f0}, {0x1f90c, 0x1f93a},
		{0x1f93c, 0x1f945}, {0x1f947, 0x1f9ff}, {0x1fa70, 0x1faf8}, {0x20000, 0x33479},
	}
	_, found := slices.BinarySearchFunc(ranges[:], r, func(in [2]rune, r rune) int {
		if in[0] <= r && r <= in[1] {
			return 0
		}
		return cmp.Compare(in[0], r)
	})
	return found
}
