//go:build unix

package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

const childEnv = "WGTUN_DEMO_CHILD" // if set, the test binary runs main

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child returns a command that runs the demo.
func child(t *testing.T, args ...string) *exec.Cmd {
	exe, err := os.Executable()
	qt.Assert(t, err, qt.IsNil)
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	return cmd
}

func TestMainExitStatus(t *testing.T) {
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"x"}, 2, "-url URL"},
		{[]string{"-url", "http://collector.example"}, 1, "demo: netlog: Upload: logtail: BaseURL"},
	} {
		cmd := child(t, test.args...)
		out, _ := cmd.CombinedOutput()
		qt.Check(t, cmd.ProcessState.ExitCode(), qt.Equals, test.code)
		qt.Check(t, string(out), qt.Contains, test.says)
	}
}

func TestMainInterrupted(t *testing.T) {
	cmd := child(t)
	stdout, err := cmd.StdoutPipe()
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, cmd.Start(), qt.IsNil)
	lines := bufio.NewReader(stdout)
	for line := ""; !strings.HasPrefix(line, "4. "); {
		line, err = lines.ReadString('\n')
		qt.Assert(t, err, qt.IsNil)
	}
	qt.Assert(t, cmd.Process.Signal(os.Interrupt), qt.IsNil)
	rest, _ := lines.ReadString(0)
	qt.Check(t, cmd.Wait(), qt.IsNil)
	qt.Check(t, rest, qt.Contains, "\nInterrupted. Everything has been shut down.\n")
}
