package main

import (
	"bytes"
	"strings"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
)

// TestOutputWriteError checks that the error is not taken for a finding.
func TestOutputWriteError(t *testing.T) {
	path := clitest.WriteRecords(t, 1000) // more than a buffer holds
	for args, want := range map[string]int{"fmt": cli.ExitFailed, "fmt -json": cli.ExitFailed, "verify": cli.ExitUsage} {
		args := append(strings.Fields(args), path)
		var errs bytes.Buffer
		code := run(t.Context(), args, nil, clitest.FullDisk{}, &errs)
		qt.Check(t, code, qt.Equals, want, qt.Commentf("%s", args))
		qt.Check(t, errs.String(), qt.Equals, "netlog "+args[0]+": "+syscall.ENOSPC.Error()+"\n", qt.Commentf("%s", args))
	}
}
