package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"
)

// setting returns the value of a setting in the unit file.
func setting(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("netlogd@.service")
	qt.Assert(t, err, qt.IsNil)
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("the unit has no %s", name)
	return ""
}

// TestUnitRunsWithoutRoot runs netlogd as the unit does: as a user without privilege, with the
// capabilities of the unit, and a file system that is read-only except for the state directory.
func TestUnitRunsWithoutRoot(t *testing.T) {
	s := newSmall(t)
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skip("needs setpriv (package util-linux): ", err)
	}
	qt.Assert(t, setting(t, "DynamicUser"), qt.Equals, "yes")
	qt.Assert(t, setting(t, "ProtectSystem"), qt.Equals, "strict")
	qt.Assert(t, setting(t, "NoNewPrivileges"), qt.Equals, "yes")
	collector := s.collector()
	for _, test := range []struct{ name, capabilities string }{
		{"all of the unit", setting(t, "AmbientCapabilities")},
		{"CAP_NET_RAW only", "CAP_NET_RAW"},
	} {
		t.Run(test.name, func(t *testing.T) {
			agent := s.startConfined(test.capabilities)
			agent.expect("flows are logged as")
			s.receive(500)
			qt.Check(t, agent.stop(syscall.SIGTERM), qt.IsNil, qt.Commentf("%s", agent.output()))
		})
	}
	qt.Check(t, collector.stop(syscall.SIGTERM), qt.IsNil)
	qt.Check(t, s.received(), qt.Equals, uint64(1000))

	agent := s.startConfined("")
	agent.expect("netif: tun0: capturing packets needs root or the capability CAP_NET_RAW: operation not permitted")
	qt.Check(t, agent.cmd.Wait(), qt.ErrorMatches, "exit status 1")
	agent.done = true
}

// user is the first of those that systemd takes for DynamicUser.
const user = "61184"

// startConfined starts netlogd with capabilities as in AmbientCapabilities.
func (s *small) startConfined(capabilities string) *process {
	s.t.Helper()
	bin := filepath.Join(s.dir, "netlogd")
	if _, err := os.Stat(bin); err != nil {
		sh(s.t, "go", "build", "-o", bin, ".")
	}
	qt.Assert(s.t, os.Chmod(filepath.Dir(s.state), 0o755), qt.IsNil) // the test framework closes it to others
	sh(s.t, "chown", "-R", user+":"+user, s.state)
	var set strings.Builder
	set.WriteString("-all")
	for name := range strings.FieldsSeq(capabilities) {
		set.WriteString(",+" + strings.ToLower(strings.TrimPrefix(name, "CAP_")))
	}
	const confine = `mount --bind "$1" "$1" && mount -o remount,bind,ro / || exit 9
		export STATE_DIRECTORY="$1"; touch /read-only 2>/dev/null && exit 9
		exec setpriv --reuid $2 --regid $2 --clear-groups --no-new-privs --inh-caps "$3" --ambient-caps "$3" --bounding-set "$3" "$4" tun0`
	return s.start("", "unshare", "-m", "sh", "-c", confine, "sh", s.state, user, set.String(), bin)
}
