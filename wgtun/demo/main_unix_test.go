//go:build unix

package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

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
		{[]string{"-page", "-url", "http://127.0.0.1:1"}, 2, "-url URL"},
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

// TestMainPage checks that the page shows the traffic until the demo is interrupted.
func TestMainPage(t *testing.T) {
	c := qt.New(t)
	cmd := child(t, "-page")
	stdout, err := cmd.StdoutPipe()
	c.Assert(err, qt.IsNil)
	c.Assert(cmd.Start(), qt.IsNil)
	lines, url := bufio.NewReader(stdout), ""
	for found := false; !found; {
		line, err := lines.ReadString('\n')
		c.Assert(err, qt.IsNil)
		url, found = strings.CutPrefix(strings.TrimSpace(line), "5. Look at it: ")
	}
	states := ""
	for deadline := time.Now().Add(time.Minute); !strings.Contains(states, "refused"); time.Sleep(50 * time.Millisecond) {
		c.Assert(time.Now().Before(deadline), qt.IsTrue, qt.Commentf("%s", states))
		states = get(c, url+"data.json?q=alpha+beta")
	}
	c.Check(states, qt.Contains, `"port":80`)
	c.Check(get(c, url), qt.Contains, "<title>netlog</title>")
	c.Assert(cmd.Process.Signal(os.Interrupt), qt.IsNil)
	rest, _ := lines.ReadString(0)
	c.Check(cmd.Wait(), qt.IsNil)
	c.Check(rest, qt.Contains, "\nInterrupted. Everything has been shut down.\n")
}

func get(c *qt.C, url string) string {
	c.Helper()
	resp, err := http.Get(url)
	c.Assert(err, qt.IsNil)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	c.Assert(err, qt.IsNil)
	c.Assert(resp.StatusCode, qt.Equals, http.StatusOK, qt.Commentf("%s", body))
	return string(body)
}
