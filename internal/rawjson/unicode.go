package rawjson

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// The errors of CheckUnicode.
var (
	ErrUTF8      = errors.New("invalid UTF-8")
	ErrSurrogate = errors.New("half of a surrogate pair in an escape")
)

// CheckUnicode returns an error if the strings of text, which is JSON, are not Unicode: if text is not
// valid UTF-8, or if an escape such as \ud800 is half of a surrogate pair. The grammar of JSON allows
// such escapes, but many readers refuse the whole text (RFC 8259, section 8.2).
func CheckUnicode(text []byte) error {
	if !utf8.Valid(text) {
		return ErrUTF8
	}
	if n := loneSurrogate(text); n >= 0 {
		return ErrSurrogate
	}
	return nil
}

// ToUnicode returns text, which is valid JSON, so that CheckUnicode accepts it. It replaces what is
// invalid by U+FFFD. If nothing is, the result is text.
func ToUnicode(text []byte) []byte {
	text = bytes.ToValidUTF8(text, []byte("\ufffd"))
	var out []byte
	for {
		n := loneSurrogate(text)
		if n < 0 {
			break
		}
		out = append(out, text[:n]...)
		out = append(out, `\ufffd`...)
		text = text[n+escapeLen:]
	}
	if out == nil {
		return text
	}
	return append(out, text...)
}

// escapeLen is the length of an escape such as \u0000.
const escapeLen = 6

// loneSurrogate returns the index of the first escape that is half of a surrogate pair, or -1.
func loneSurrogate(text []byte) int {
	for at := 0; ; {
		n := bytes.IndexByte(text[at:], '\\')
		if n < 0 {
			return -1
		}
		at += n
		first := escaped(text[at:])
		switch {
		case !utf16.IsSurrogate(first):
			at = min(at+2, len(text)) // in case of \\, the second does not begin an escape
		case utf16.DecodeRune(first, escaped(text[at+escapeLen:])) == utf8.RuneError:
			return at
		default:
			at += 2 * escapeLen
		}
	}
}

// escaped returns the code unit of the escape such as \u0000 that text begins with, or -1.
func escaped(text []byte) rune {
	if len(text) < escapeLen || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	unit, err := strconv.ParseUint(string(text[2:escapeLen]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(unit)
}
