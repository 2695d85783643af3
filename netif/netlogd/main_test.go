package main

import (
	"bytes"
	"regexp"
	"runtime"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestPrintedAtOnce checks what is printed without an interface.
func TestPrintedAtOnce(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, test := range []struct {
		arg, out, errs string
		code           int
	}{
		{"-version", `netlogd \S+, (commit [0-9a-f]{40}( \(modified\))?, )?` + regexp.QuoteMeta(runtime.Version()) + ` \w+/\w+\n`, "", exitOK},
		{"-h", `Usage: netlogd (.|\n)*  -version\n(.|\n)*`, "", exitOK},
		{"-token-file=none", "", "netlogd: the name of an interface is missing.*; see netlogd -h\n", exitUsage},
	} {
		var out, errs bytes.Buffer
		qt.Check(t, run(t.Context(), []string{test.arg}, &out, &errs), qt.Equals, test.code)
		qt.Check(t, out.String(), qt.Matches, test.out)
		qt.Check(t, errs.String(), qt.Matches, test.errs)
	}
	var errs bytes.Buffer
	qt.Check(t, run(t.Context(), []string{"-token-file=none", "wg0"}, nil, &errs), qt.Equals, exitUsage)
	qt.Check(t, errs.String(), qt.Matches, "netlogd: -token-file: none: .*; see netlogd -h\n", qt.Commentf("no system call is named"))
}
