package logtail

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// view is a text as the reader of some notation takes it. It knows where each of
// its bytes comes from.
type view struct {
	text string
	at   [][2]int // for each byte of text, from where to where in the original
}

func newView(t string) view {
	v := view{text: t, at: make([][2]int, len(t))}
	for i := range v.at {
		v.at[i] = [2]int{i, i + 1}
	}
	return v
}

// mark sets the bytes of the original that text[from:to] comes from.
func (v view) mark(original []bool, from, to int) {
	for _, at := range v.at[from:to] {
		for i := at[0]; i < at[1]; i++ {
			original[i] = true
		}
	}
}

// unescape returns v without the escapes of one notation, or false where it has none.
func (v view) unescape(escape unescaper) (view, bool) {
	var text strings.Builder
	var plain view
	changed := false
	for i := 0; i < len(v.text); {
		value, n := escape(v.text[i:])
		if n == 0 {
			value, n = v.text[i:i+1], 1
		} else {
			changed = true
		}
		text.WriteString(value)
		for range len(value) {
			plain.at = append(plain.at, [2]int{v.at[i][0], v.at[i+n-1][1]})
		}
		i += n
	}
	plain.text = text.String()
	return plain, changed
}

// unescaper returns what the escape at the beginning of t stands for, and its
// length, or 0 where there is none.
type unescaper func(t string) (value string, n int)

// backslash reads the escapes of JSON (RFC 8259, section 7), Go and their kin.
func backslash(t string) (value string, n int) {
	if len(t) < 2 || t[0] != '\\' {
		return "", 0
	}
	if strings.IndexByte(`"'\/`, t[1]) >= 0 {
		return t[1:2], 2
	}
	if len(t) >= 12 && t[1] == 'u' && t[6:8] == `\u` {
		high, _ := strconv.ParseUint(t[2:6], 16, 16)
		low, _ := strconv.ParseUint(t[8:12], 16, 16)
		if r := utf16.DecodeRune(rune(high), rune(low)); r != utf8.RuneError {
			return string(r), 12
		}
	}
	r, multibyte, rest, err := strconv.UnquoteChar(t, 0)
	if err != nil {
		return "", 0
	}
	if !multibyte {
		return string([]byte{byte(r)}), len(t) - len(rest)
	}
	return string(r), len(t) - len(rest)
}

// percent reads the escapes of URLs (RFC 3986, section 2.1).
func percent(t string) (value string, n int) {
	if len(t) < 3 || t[0] != '%' {
		return "", 0
	}
	c, err := strconv.ParseUint(t[1:3], 16, 8)
	if err != nil {
		return "", 0
	}
	return string([]byte{byte(c)}), 3
}

// entity reads the character references of HTML.
func entity(t string) (value string, n int) {
	const longest = 10 // bytes: &#x10ffff; and more than the names of ASCII take
	if t[0] != '&' {
		return "", 0
	}
	end := strings.IndexByte(t[:min(len(t), longest)], ';')
	if end < 0 {
		return "", 0
	}
	value = html.UnescapeString(t[:end+1])
	if value == t[:end+1] {
		return "", 0
	}
	return value, end + 1
}
