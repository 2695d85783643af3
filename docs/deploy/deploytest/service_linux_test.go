package deploytest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

// machine is a systemd that runs units of the test. It shares the network of the test.
type machine struct {
	t    *testing.T
	pid  string // of systemd
	logs output
}

// boot starts systemd with files added to those of this machine, and units enabled. Standard error of the units goes to
// /run/NAME.err.
func boot(t *testing.T, files map[string][]byte, units ...string) *machine {
	t.Helper()
	m := &machine{t: t}
	at, add := t.TempDir(), t.TempDir()
	for _, unit := range units {
		template := regexp.MustCompile(`@.*`).ReplaceAllString(unit, "@.service")
		files["/etc/systemd/system/"+template+".d/test.conf"] = []byte("[Service]\nStandardError=append:/run/" + unit + ".err\n")
	}
	for path, data := range files {
		path = filepath.Join(add, path)
		qt.Assert(t, os.MkdirAll(filepath.Dir(path), 0o755), qt.IsNil)
		mode := os.FileMode(0o600)
		switch {
		case strings.Contains(path, "/bin/"):
			mode = 0o755
		case strings.Contains(path, "/ssl/"):
			mode = 0o644
		}
		qt.Assert(t, os.WriteFile(path, data, mode), qt.IsNil)
	}
	group, err := os.MkdirTemp("/sys/fs/cgroup", "deploytest-") // of another name in each namespace
	qt.Assert(t, err, qt.IsNil)
	const enter = `echo 0 >"$1/cgroup.procs"; shift; exec unshare -m -p -C -i -u --fork --kill-child sh testdata/boot.sh "$@"`
	cmd := exec.Command("sh", append([]string{"-c", enter, "sh", group, at, add}, units...)...)
	cmd.Stdout, cmd.Stderr = &m.logs, &m.logs
	qt.Assert(t, cmd.Start(), qt.IsNil)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the start wrote\n%s", m.logs.String())
			for _, unit := range units {
				text, _ := os.ReadFile(m.path("/run/" + unit + ".err"))
				t.Logf("%s wrote\n%s", unit, text)
			}
		}
		cmd.Process.Kill()
		cmd.Wait()
		eventually(t, "the control group is empty", func() bool {
			exec.Command("find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";").Run()
			_, err := os.Stat(group)
			return err != nil
		})
	})
	eventually(t, "systemd answers", func() bool {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", cmd.Process.Pid, cmd.Process.Pid))
		m.pid = strings.TrimSpace(string(children))
		return err == nil && m.pid != "" && m.inside("systemctl", "list-units").Run() == nil
	})
	return m
}

// inside returns a command in the namespaces of m.
func (m *machine) inside(name string, args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"-t", m.pid, "-m", "-p", "-C", "-r", "-w", name}, args...)...)
}

// systemctl runs systemctl and returns its output.
func (m *machine) systemctl(args ...string) string {
	m.t.Helper()
	out, err := m.inside("systemctl", args...).CombinedOutput()
	qt.Assert(m.t, err, qt.IsNil, qt.Commentf("systemctl %q: %s", args, out))
	return strings.TrimSpace(string(out))
}

// path returns the path of a file of m.
func (m *machine) path(name string) string { return "/proc/" + m.pid + "/root" + name }

// await waits until a unit has written a line so many times on standard error.
func (m *machine) await(unit, line string, times int) {
	m.t.Helper()
	eventually(m.t, fmt.Sprintf("%s writes %q", unit, line), func() bool {
		text, _ := os.ReadFile(m.path("/run/" + unit + ".err"))
		if strings.Count(string(text), line) >= times {
			return true
		}
		state := m.systemctl("show", "-p", "NRestarts", "--value", unit)
		qt.Assert(m.t, state, qt.Equals, "0", qt.Commentf("%s%s", text, m.systemctl("show", "-p", "Result,ExecMainStatus", unit)))
		return false
	})
}

// stop stops a unit and checks that it ended by itself.
func (m *machine) stop(unit string) {
	m.t.Helper()
	m.systemctl("stop", unit)
	qt.Check(m.t, m.systemctl("show", "-p", "Result,ExecMainStatus,NRestarts", "--value", unit), qt.Equals, "success\n0\n0")
}

// confinement returns the lines of /proc/PID/status of the process of a unit. Its user is "dynamic" if it is one.
func (m *machine) confinement(unit string) string {
	m.t.Helper()
	pid := m.systemctl("show", "-p", "MainPID", "--value", unit)
	out, err := m.inside("cat", "/proc/"+pid+"/status").Output()
	qt.Assert(m.t, err, qt.IsNil)
	return regexp.MustCompile(`\b6[1-5]\d{3}\b`).ReplaceAllString(status(string(out)), "dynamic")
}

// TestServices runs netlog.service and netlogd@wg0.service in systemd, as their comments say. The records of one go to the
// other. Both are stopped and started again, the receiver with another token.
func TestServices(t *testing.T) {
	need(t, "/lib/systemd/systemd", "systemd")
	need(t, "nsenter", "util-linux")
	images := buildImages(t)
	newInterface(t)
	a := newAuthority(t)
	tlsFiles, client := a.issue(t, 2), a.client()
	turnOn := strings.NewReplacer("#LoadCredential=", "LoadCredential=", "#Environment=", "Environment=")
	agent := turnOn.Replace(readFile(t, "../../../netif/netlogd/netlogd@.service"))
	m := boot(t, map[string][]byte{
		"/usr/local/bin/netlog":                []byte(readFile(t, filepath.Join(images["netlog"].root, "netlog"))),
		"/usr/local/bin/netlogd":               []byte(readFile(t, filepath.Join(images["netlogd"].root, "netlogd"))),
		"/etc/systemd/system/netlog.service":   []byte(readFile(t, "../netlog.service")),
		"/etc/systemd/system/netlogd@.service": []byte(agent),
		"/etc/netlog/tokens.txt":               tokens("first")["tokens.txt"],
		"/etc/netlog/cert.pem":                 tlsFiles["tls.crt"],
		"/etc/netlog/key.pem":                  tlsFiles["tls.key"],
		"/etc/netlogd.token":                   []byte("first\n"),
		"/etc/ssl/certs/test.pem":              a.pem, // where Go looks for authorities
		"/etc/default/netlog":                  []byte("NETLOG_FLAGS=-max-age 90d -max-size 100GiB\n"),
		"/etc/default/netlogd":                 []byte("NETLOGD_FLAGS=-collector https://localhost:8641 -nodes /etc/hosts\n"),
	}, "netlog.service", "netlogd@wg0.service")
	m.await("netlog.service", "storing in /var/lib/netlog/flows", 1)
	m.await("netlog.service", "removes the files of a day (UTC) 90 days after its end, and the oldest files beyond 100 GiB", 1)
	m.await("netlogd@wg0.service", "wg0: flows are logged as", 1)
	const confined = "Uid dynamic; Gid dynamic; Groups dynamic; " +
		"CapPrm %[1]s; CapEff %[1]s; CapBnd %[1]s; CapAmb %[1]s; NoNewPrivs 1; Seccomp 2"
	qt.Check(t, m.confinement("netlog.service"), qt.Equals, fmt.Sprintf(confined, "0000000000000000"))
	qt.Check(t, m.confinement("netlogd@wg0.service"), qt.Equals, fmt.Sprintf(confined, "0000000000003000"))

	sendPackets(t, 500)
	m.systemctl("restart", "netlogd@wg0.service")
	m.await("netlogd@wg0.service", "wg0: flows are logged as", 2)
	sendPackets(t, 500)
	m.stop("netlogd@wg0.service")

	qt.Check(t, post(t, client, "first"), qt.Equals, 200)
	qt.Assert(t, os.WriteFile(m.path("/etc/netlog/tokens.txt"), tokens("second")["tokens.txt"], 0o600), qt.IsNil)
	m.systemctl("restart", "netlog.service")
	eventually(t, "the receiver answers again", func() bool {
		resp, err := client.Get("https://localhost:8641/healthz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == 200
	})
	qt.Check(t, post(t, client, "second"), qt.Equals, 200)
	qt.Check(t, post(t, client, "first"), qt.Equals, 401)
	m.stop("netlog.service")
	out, err := m.inside("/usr/local/bin/netlog", "fmt", "-json", "/var/lib/netlog/flows").Output()
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, count(t, string(out)), qt.Equals, sent{packets: 1000, bytes: 100_000})
}

// TestServiceExposure checks the unit against the rules of systemd-analyze.
func TestServiceExposure(t *testing.T) {
	need(t, "systemd-analyze", "systemd")
	out := run(t, ".", "systemd-analyze", "security", "--offline=true", "--threshold=12", "--no-pager", "../netlog.service")
	t.Log(strings.TrimSpace(out[strings.LastIndex(strings.TrimSpace(out), "\n")+1:]))
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	qt.Assert(t, err, qt.IsNil)
	return string(data)
}
