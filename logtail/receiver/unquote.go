package receiver

import (
	"unicode/utf16"
	"unicode/utf8"
)

// unquote returns what raw, the inside of a valid JSON string, stands for. It
// returns raw itself where it has no escapes.
func unquote(raw []byte) []byte {
	at := 0
	for at < len(raw) && raw[at] != '\\' {
		at++
	}
	if at == len(raw) {
		return raw
	}
	out := append(make([]byte, 0, len(raw)), raw[:at]...)
	for at < len(raw) {
		c := raw[at]
		if c != '\\' {
			out = append(out, c)
			at++
			continue
		}
		c = raw[at+1]
		at += 2
		switch c {
		case 'u':
			var r rune
			r, at = unquoteRune(raw, at)
			out = utf8.AppendRune(out, r)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		default:
			out = append(out, c)
		}
	}
	return out
}

// unquoteRune returns the rune whose first four hexadecimal digits are at
// raw[at], and the index after it. Lone surrogates become U+FFFD, as every
// reader of the entry has it.
func unquoteRune(raw []byte, at int) (rune, int) {
	r, _ := hex4(raw[at:])
	at += 4
	if !utf16.IsSurrogate(r) {
		return r, at
	}
	if at+1 < len(raw) && raw[at] == '\\' && raw[at+1] == 'u' {
		low, _ := hex4(raw[at+2:])
		if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
			return both, at + 6
		}
	}
	return utf8.RuneError, at
}

// hex4 returns the value of the four hexadecimal digits at the start of b.
func hex4(b []byte) (v rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | rune(c)
	}
	return v, true
}
