package cli

import (
	"fmt"
	"strings"
)

// ParseLines calls take with the fields of each line of data, the content of the file path.
// It skips empty lines and comments. If take rejects a line, it returns what it wants instead.
func ParseLines(path string, data []byte, take func(fields []string) (want string)) error {
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) { // some editors write a byte order mark
		n++
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if want := take(fields); want != "" {
			return fmt.Errorf("%s:%d: want %s", path, n, want)
		}
	}
	return nil
}
