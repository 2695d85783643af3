package cli

import (
	"fmt"
	"os"
	"strings"
)

// ReadLines calls take with the fields of each line of a file. It skips empty lines and
// comments. If take rejects a line, it returns what it wants instead.
func ReadLines(path string, take func(fields []string) (want string)) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) { // some editors begin so
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
