package cli

import (
	"fmt"
	"unicode/utf8"
)

// AppendJSON appends an entry as it is, and a newline. Valid JSON has no control
// characters below the blank, but may have those of Latin-1, which move cursors as
// well: these are escaped, and so is what is no UTF-8, which may hide one.
func AppendJSON(line, entry []byte) []byte {
	done := 0
	for i := 0; i < len(entry); {
		if entry[i] < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRune(entry[i:])
		if r <= 0x9f || r == utf8.RuneError && n == 1 {
			line = append(line, entry[done:i]...)
			line = fmt.Appendf(line, `\u%04x`, r)
			done = i + n
		}
		i += n
	}
	line = append(line, entry[done:]...)
	return append(line, '\n')
}
