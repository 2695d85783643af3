package rawjson

import (
	"strings"
	"unicode/utf8"
)

// AppendEscaped appends s escaped for a JSON string, without the quotes. Like
// encoding/json it also escapes the characters <, >, &, U+2028 and U+2029, which are
// special in HTML or JavaScript, and replaces each invalid byte by U+FFFD.
func AppendEscaped(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	for {
		n := strings.IndexFunc(s, mustEscape)
		if n < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:n]...)
		r, size := utf8.DecodeRuneInString(s[n:])
		switch i := strings.IndexRune("\"\\\b\f\n\r\t", r); {
		case i >= 0:
			dst = append(dst, '\\', `"\bfnrt`[i])
		case r == utf8.RuneError && size > 1: // a valid U+FFFD
			dst = append(dst, s[n:n+size]...)
		default:
			dst = append(dst, '\\', 'u', hex[r>>12], hex[r>>8&0xf], hex[r>>4&0xf], hex[r&0xf])
		}
		s = s[n+size:]
	}
}

func mustEscape(r rune) bool {
	switch r {
	case '"', '\\', '<', '>', '&', '\u2028', '\u2029', utf8.RuneError:
		return true
	}
	return r < ' '
}
