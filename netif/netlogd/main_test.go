package main

import (
	"bytes"
	"net/http"
	"os"
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

// TestFlagErrors checks what is said of a wrong value.
func TestFlagErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"empty": "\n", "hashes": "5e netlog *\n", "good": "token\n"} {
		qt.Assert(t, os.WriteFile(name, []byte(text), 0o600), qt.IsNil)
	}
	for _, test := range []struct{ flag, want string }{
		{"-token-file=empty", "-token-file: empty is empty"},
		{"-token-file=hashes", "-token-file: hashes has more than a token"},
		{"-ring=0MiB", `.*-ring: want a size from 1MiB to 1024MiB`},
		{"-ring=8", `.*-ring: want a size from 1MiB to 1024MiB`},
		{"-ring=1025MiB", `.*-ring: want a size from 1MiB to 1024MiB`},
		{"-subnets=10.0.0.0", `.*-subnets: want prefixes such as 192.168.7.0/24`},
		{"-exit=ful", `.*-exit: want totals, node or full`},
	} {
		_, err := parseFlags([]string{test.flag, "wg0"}, nil)
		qt.Check(t, err, qt.ErrorMatches, test.want)
	}
	cfg, err := parseFlags([]string{"-token-file=good", "-ring=1024MiB", "wg0"}, nil)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, cfg.header, qt.DeepEquals, http.Header{"Authorization": {"Bearer token"}})
	qt.Check(t, cfg.ring, qt.Equals, 1<<30)
}
