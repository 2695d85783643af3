package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
)

func TestOutputHostileRecords(t *testing.T) {
	in := clitest.HostileRecords(t)
	dir := t.TempDir()
	qt.Assert(t, os.WriteFile(filepath.Join(dir, "flows.ndjson"), []byte(in), 0o600), qt.IsNil)
	for _, args := range []string{
		"fmt", "fmt -width 80", "fmt -width 0", "fmt -top 2", "fmt -max-flows 1", "fmt -node fe80::1", "fmt -node none", "fmt -class virtual,physical",
		"fmt -resolve name", "fmt -resolve user", "fmt -resolve id", "verify", "verify -complete", "verify -loss 0 -slack 0s", "verify -max-flows 1",
		"fmt -json", "fmt -json -class virtual", "fmt -json -exclude fe80::3", "fmt -json -exclude cdcd",
	} {
		_, out, errs := clitest.Run(t, run, "", append(strings.Fields(args), dir)...)
		clitest.CheckHarmless(t, args, out+errs)
		qt.Check(t, out+errs, qt.Not(qt.Equals), "")
	}
}
