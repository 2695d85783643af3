package main

import (
	"path/filepath"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
)

// TestDemoGolden reads the books of one run of wgtun/demo.
func TestDemoGolden(t *testing.T) {
	dir := filepath.Join("testdata", "demo")
	code, out, _ := clitest.Run(t, run, "", "verify", "-loss", "0", dir)
	qt.Check(t, code, qt.Equals, cli.ExitOK)
	clitest.Golden(t, "demo-verify", dir, []byte(out))
	_, out, _ = clitest.Run(t, run, "", "fmt", "-width", "80", dir)
	clitest.Golden(t, "demo-fmt", dir, []byte(out))
}
