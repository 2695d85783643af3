package cli

import (
	"fmt"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendJSON appends an entry and a newline. It escapes everything that is not graphic: valid
// JSON may contain the control characters of Latin-1, which move the cursor of a
// terminal, characters that are invisible or change the direction of the text, and invalid
// UTF-8, which may hide them. Control characters of ASCII, which can only be between
// tokens, become spaces.
func AppendJSON(line, entry []byte) []byte {
	done := 0
	for i := 0; i < len(entry); {
		if ' ' <= entry[i] && entry[i] < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRune(entry[i:])
		if !unicode.IsGraphic(r) || r == utf8.RuneError && n == 1 {
			line = append(line, entry[done:i]...)
			line = appendEscaped(line, r)
			done = i + n
		}
		i += n
	}
	line = append(line, entry[done:]...)
	return append(line, '\n')
}

// appendEscaped appends r as AppendJSON escapes it.
func appendEscaped(line []byte, r rune) []byte {
	if r < ' ' {
		return append(line, ' ')
	}
	for _, unit := range utf16.AppendRune(nil, r) {
		line = fmt.Appendf(line, `\u%04x`, unit)
	}
	return line
}
