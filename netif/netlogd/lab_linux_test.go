package main

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"golang.org/x/sys/unix"
)

// childEnv is the environment variable that makes the test binary run main.
const childEnv = "NETLOGD_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		main()
	}
	os.Exit(m.Run())
}

func needNamespaces(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds network namespaces: not with -short")
	}
	if os.Getuid() != 0 {
		t.Skip("needs root, to make network namespaces")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("needs /dev/net/tun: ", err)
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs the ip tool (package iproute2): ", err)
	}
	t.Parallel()
	probe := unique() + "-probe"
	if out, err := exec.Command("ip", "netns", "add", probe).CombinedOutput(); err != nil {
		t.Skipf("needs network namespaces: %v: %s", err, out)
	}
	exec.Command("ip", "netns", "del", probe).Run()
}

// unique returns the beginning of a name that no other test uses.
func unique() string { return "nl" + strconv.FormatUint(rand.Uint64N(36*36*36*36*36*36), 36) }

// namespace is a network namespace of a test.
type namespace struct {
	t    *testing.T
	name string
}

func newNamespace(t *testing.T, name string) *namespace {
	t.Helper()
	n := &namespace{t, unique() + "-" + name}
	sh(t, "ip", "netns", "add", n.name)
	t.Cleanup(func() { sh(t, "ip", "netns", "del", n.name) })
	n.ip("link", "set", "lo", "up")
	// Interfaces send no packets of their own.
	sh(t, "ip", "netns", "exec", n.name, "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/default/addr_gen_mode")
	return n
}

// ip runs the ip tool in the namespace.
func (n *namespace) ip(args ...string) {
	n.t.Helper()
	sh(n.t, "ip", append([]string{"-n", n.name}, args...)...)
}

// do calls f on a thread in the namespace.
func (n *namespace) do(f func() error) {
	n.t.Helper()
	done := make(chan error)
	go func() { done <- n.inside(f) }()
	qt.Assert(n.t, <-done, qt.IsNil)
}

func (n *namespace) inside(f func() error) error {
	runtime.LockOSThread()
	home, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(home)
	there, err := unix.Open("/run/netns/"+n.name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(there)
	if err := unix.Setns(there, unix.CLONE_NEWNET); err != nil {
		return err
	}
	err = f()
	// The thread must go on: processes that it has started end with it.
	if back := unix.Setns(home, unix.CLONE_NEWNET); back != nil {
		return back
	}
	runtime.UnlockOSThread()
	return err
}

// wire joins two namespaces with a veth pair, whose ends have the names of the addresses' sides.
func wire(a *namespace, devA, addrA string, b *namespace, devB, addrB string) {
	a.t.Helper()
	sh(a.t, "ip", "link", "add", devA, "netns", a.name, "type", "veth", "peer", "name", devB, "netns", b.name)
	for _, end := range []struct {
		*namespace
		dev, addr string
	}{{a, devA, addrA}, {b, devB, addrB}} {
		end.ip("addr", "add", end.addr, "dev", end.dev)
		end.ip("link", "set", end.dev, "up")
	}
}

func sh(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// process is a program that runs in a namespace.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	mu   sync.Mutex // guards text
	text bytes.Buffer
	more chan struct{} // receives after text has grown; closed at the end of the output
	done bool
}

// start starts a program, which does not outlive the test.
func (n *namespace) start(env string, program string, args ...string) *process {
	n.t.Helper()
	return startCommand(n.t, env, "ip", append([]string{"netns", "exec", n.name, program}, args...)...)
}

func startCommand(t *testing.T, env, program string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(program, args...), more: make(chan struct{}, 1)}
	p.cmd.Env = append(os.Environ(), "NO_PROXY=*", env)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	r, w, err := os.Pipe()
	qt.Assert(t, err, qt.IsNil)
	p.cmd.Stdout, p.cmd.Stderr = w, w
	qt.Assert(t, p.cmd.Start(), qt.IsNil)
	w.Close()
	go p.read(r)
	t.Cleanup(func() {
		if !p.done {
			p.cmd.Process.Kill()
			p.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("%s %s:\n%s", program, strings.Join(args, " "), p.output())
		}
	})
	return p
}

func (p *process) read(r io.ReadCloser) {
	defer r.Close()
	defer close(p.more)
	for in := bufio.NewReader(r); ; {
		line, err := in.ReadString('\n')
		p.mu.Lock()
		p.text.WriteString(line)
		p.mu.Unlock()
		if err != nil {
			return
		}
		select {
		case p.more <- struct{}{}:
		default:
		}
	}
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// expect waits until the process has printed text.
func (p *process) expect(text string) {
	p.t.Helper()
	for timeout := time.After(time.Minute); !strings.Contains(p.output(), text); {
		select {
		case _, ok := <-p.more:
			if !ok && !strings.Contains(p.output(), text) {
				p.t.Fatalf("ended without %q:\n%s", text, p.output())
			}
		case <-timeout:
			p.t.Fatalf("does not print %q:\n%s", text, p.output())
		}
	}
}

// stop sends a signal and waits for the end of the process and of its output.
func (p *process) stop(signal syscall.Signal) error {
	p.t.Helper()
	qt.Assert(p.t, p.cmd.Process.Signal(signal), qt.IsNil)
	p.done = true
	for range p.more {
	}
	return p.cmd.Wait()
}

// build builds a program of this workspace or of the go.mod of netif.
func build(t *testing.T, pkg string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), filepath.Base(pkg))
	sh(t, "go", "build", "-o", bin, pkg)
	return bin
}

func self(t *testing.T) string {
	exe, err := os.Executable()
	qt.Assert(t, err, qt.IsNil)
	return exe
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("does not happen")
		}
	}
}
