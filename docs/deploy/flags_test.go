// Package deploy_test checks the flags in the files of this directory. The module deploytest runs the files.
package deploy_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestFlagsExist checks that the commands have the flags of the units and the manifests.
func TestFlagsExist(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command")
	}
	for _, command := range []struct {
		name  string
		help  []string // of go
		files []string
	}{
		{"netlog serve", []string{"-C", "../..", "run", "./cmd/netlog", "serve", "-h"}, []string{
			"netlog.service", "kubernetes/netlog.yaml", "kubernetes/netlog-emptydir.yaml",
		}},
		{"netlogd", []string{"-C", "../../netif", "run", "./netlogd", "-h"}, []string{
			"../../netif/netlogd/netlogd@.service", "kubernetes/netlogd.yaml",
		}},
	} {
		cmd := exec.CommandContext(t.Context(), "go", command.help...)
		cmd.Env = append(os.Environ(), "GOWORK=off")
		help, err := cmd.Output()
		qt.Assert(t, err, qt.IsNil, qt.Commentf("%s", command.name))
		have := make(map[string]bool)
		for _, f := range regexp.MustCompile(`(?m)^  -([a-z-]+)`).FindAllStringSubmatch(string(help), -1) {
			have[f[1]] = true
		}
		for _, file := range command.files {
			text, err := os.ReadFile(file)
			qt.Assert(t, err, qt.IsNil)
			flags := flagsIn(string(text))
			qt.Check(t, len(flags) > 2, qt.IsTrue, qt.Commentf("%s: cannot find the flags", file))
			for _, f := range flags {
				qt.Check(t, have[f], qt.IsTrue, qt.Commentf("%s: %s has no flag -%s", file, command.name, f))
			}
		}
	}
}

// flagsIn returns the names of the flags in a unit or a manifest, and in their comments.
func flagsIn(text string) (names []string) {
	// An item of args, a variable, a command and its rest.
	line := regexp.MustCompile(`^( *- -|.*_FLAGS=|.*_TOKEN=|ExecStart=| +-)`)
	for l := range strings.Lines(text) {
		if !line.MatchString(l) {
			continue
		}
		for _, f := range regexp.MustCompile(`(?:^|[ =])-([a-z][a-z-]*)`).FindAllStringSubmatch(l, -1) {
			names = append(names, f[1])
		}
	}
	return names
}
