package logtail

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// maxText bounds the text of one entry: a line of a log is shorter, a dump is not.
const maxText = 16 << 10 // bytes, before escaping

// appendText appends p as a JSON string (RFC 8259, section 7) without its final
// newline, cut at maxText on a rune. What is cut is told: "\u2026+" and the
// number of bytes.
func appendText(dst, p []byte) []byte {
	p = bytes.TrimSuffix(p, []byte("\n"))
	cut := 0
	if len(p) > maxText {
		end := maxText
		for end > maxText-utf8.UTFMax && !utf8.RuneStart(p[end]) {
			end--
		}
		p, cut = p[:end], len(p)-end
	}
	dst = append(dst, '"')
	dst = appendEscaped(dst, p)
	if cut > 0 {
		dst = append(dst, "\u2026+"...)
		dst = strconv.AppendInt(dst, int64(cut), 10)
	}
	return append(dst, '"')
}

// appendEscaped appends the inside of a JSON string. Invalid UTF-8 becomes
// U+FFFD, byte by byte.
func appendEscaped(dst, p []byte) []byte {
	const hex = "0123456789abcdef"
	for len(p) > 0 {
		switch c := p[0]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < ' ' || c == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, size := utf8.DecodeRune(p)
			dst = utf8.AppendRune(dst, r)
			p = p[size:]
			continue
		}
		p = p[1:]
	}
	return dst
}
