package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestVerifyRefusesWhatItCannotReadTwice gives it a pipe by name, as a shell does
// for <(...): with nothing in it at the second reading, nothing would disagree.
func TestVerifyRefusesWhatItCannotReadTwice(t *testing.T) {
	r, w, err := os.Pipe()
	qt.Assert(t, err, qt.IsNil)
	defer r.Close()
	_, err = w.WriteString(strings.Join(finished(twoNodes()).node("a").lines, "\n"))
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, w.Close(), qt.IsNil)
	code, _, errs := netlogCommand(t, "", "verify", fmt.Sprintf("/proc/self/fd/%d", r.Fd()))
	qt.Check(t, code, qt.Equals, exitUsage)
	qt.Check(t, errs, qt.Contains, errChanged.Error())
}
