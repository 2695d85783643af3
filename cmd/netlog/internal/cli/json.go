package cli

import (
	"fmt"
	"unicode/utf8"
)

// AppendJSON appends an entry and a newline. Valid JSON may contain the control
// characters of Latin-1, which move the cursor of a terminal, and invalid UTF-8, which
// may hide them. AppendJSON escapes both.
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
