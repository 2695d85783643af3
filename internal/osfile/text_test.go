package osfile_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/osfile"
)

func TestText(t *testing.T) {
	t.Chdir(t.TempDir())
	_, open := os.Open("a")
	_, lstat := os.Lstat("b")
	missing := func(name string) string { return name + ": " + errors.Unwrap(open).Error() }
	for _, test := range []struct {
		err  error
		want string
	}{
		{io.EOF, "EOF"},
		{open, missing("a")},
		{fmt.Errorf("-nodes: %w", open), "-nodes: " + missing("a")},
		{fmt.Errorf("a: %w", open), missing("a")},
		{fmt.Errorf("-dir a: %w", open), "-dir " + missing("a")},
		{errors.Join(open, io.EOF, fmt.Errorf("x: %w", lstat)), missing("a") + "\nEOF\nx: " + missing("b")},
		{fmt.Errorf("%w and %w", open, lstat), missing("a") + " and " + missing("b")},
		{fmt.Errorf("x: %v", open), "x: " + open.Error()}, // not wrapped
		{fmt.Errorf("x%.0w", open), "x"},
	} {
		qt.Check(t, osfile.Text(test.err), qt.Equals, test.want)
	}
}
