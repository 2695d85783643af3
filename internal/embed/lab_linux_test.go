package embed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/traffictest"
)

const (
	patience    = 30 * time.Second // for what must happen
	testTimeout = 2 * time.Minute  // after which every process of a test is killed
	trafficEnv  = "EMBED_TRAFFIC"  // if set, the test binary moves this traffic, or answers it
	serveOnly   = "serve"
)

// TestMain runs the test binary as a child that moves traffic in a namespace, if it is asked to.
func TestMain(m *testing.M) {
	text := os.Getenv(trafficEnv)
	if text == "" {
		os.Exit(m.Run())
	}
	if err := moveOrServe(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func moveOrServe(text string) error {
	if text == serveOnly {
		if _, err := traffictest.Serve(); err != nil {
			return err
		}
		fmt.Println("serving")
		select {} // until it is killed
	}
	var list []traffictest.Traffic
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return err
	}
	for _, tr := range list {
		if err := tr.Move(); err != nil {
			return err
		}
	}
	return nil
}

// node is one end of a tunnel: a network namespace, with a collector inside.
type node struct {
	ns    string
	under string // address outside the tunnel
	dev   string // name of the tunnel interface
	dir   string // for the state of the daemon, and files of a test
	store string // of the collector

	netlog string // the command
}

// newLab makes two nodes, which a veth pair joins, and starts in each of them a collector, and what answers traffic.
func newLab(t *testing.T) (a, b *node) {
	netlog := build(t, "github.com/go-netlog/netlog/cmd/netlog", nil)
	nodes := [2]*node{}
	for i, name := range []string{"a", "b"} {
		n := &node{
			ns:    fmt.Sprintf("nlem%d-%s", os.Getpid(), name),
			under: fmt.Sprintf("192.0.2.%d", i+1),
			dev:   fmt.Sprintf("nlem%s%d", name, os.Getpid()%1_000_000), // sockets of WireGuard are named after it
			dir:   t.TempDir(),

			netlog: netlog,
		}
		n.store = filepath.Join(n.dir, "store")
		nodes[i] = n
		ip(t, "netns", "add", n.ns)
		t.Cleanup(func() { ip(t, "netns", "del", n.ns) })
		n.ip(t, "link", "set", "lo", "up")
	}
	a, b = nodes[0], nodes[1]
	ip(t, "link", "add", "under", "netns", a.ns, "type", "veth", "peer", "name", "under", "netns", b.ns)
	for _, n := range nodes {
		n.ip(t, "addr", "add", n.under+"/30", "dev", "under")
		n.ip(t, "link", "set", "under", "up")
		// A small window, so that no queue overflows: a lost packet is in the books of one end only.
		ip(t, "netns", "exec", n.ns, "sh", "-c", "echo 4096 16384 32768 >/proc/sys/net/ipv4/tcp_rmem")
		n.start(t, nil, netlog, "serve", "-dir", n.store, "-ui", "off").waitFor("127.0.0.1:8641")
		n.start(t, []string{trafficEnv + "=" + serveOnly}, testBinary(t)).waitFor("serving")
	}
	return a, b
}

// needLab skips the test unless it is asked for and possible.
func needLab(t *testing.T) {
	if os.Getenv("NETLOG_EMBED") == "" {
		t.Skip("builds other programs and runs them in network namespaces: set NETLOG_EMBED=1 to run it")
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
}

func testBinary(t *testing.T) string {
	exe, err := os.Executable()
	qt.Assert(t, err, qt.IsNil)
	return exe
}

func ip(t *testing.T, args ...string) []byte {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return out
}

func (n *node) ip(t *testing.T, args ...string) []byte {
	t.Helper()
	return ip(t, append([]string{"-n", n.ns}, args...)...)
}

// move moves traffic from n, and waits for the answers.
func (n *node) move(t *testing.T, list ...traffictest.Traffic) {
	t.Helper()
	text, err := json.Marshal(list)
	qt.Assert(t, err, qt.IsNil)
	cmd := exec.CommandContext(t.Context(), "ip", "netns", "exec", n.ns, testBinary(t))
	cmd.Env = append(os.Environ(), trafficEnv+"="+string(text))
	out, err := cmd.CombinedOutput()
	qt.Assert(t, err, qt.IsNil, qt.Commentf("traffic of %s: %s", n.ns, out))
}

// process is a running program.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended, with err set
	err  error

	mu  sync.Mutex // guards out
	out bytes.Buffer
}

// Write implements io.Writer for the output of the program.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// start starts a program in the namespace of n. It is killed at the end of the test, or after testTimeout.
func (n *node) start(t *testing.T, env []string, name string, args ...string) *process {
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	p := &process{t: t, done: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", n.ns, name}, args...)...)
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it does not outlive the test binary
	p.cmd.WaitDelay = time.Second
	qt.Assert(t, p.cmd.Start(), qt.IsNil)
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		cancel()
		<-p.done
		if t.Failed() {
			t.Logf("%s %s: %v\n%s", n.ns, filepath.Base(name), p.err, p.output())
		}
	})
	return p
}

// waitFor waits until the program has printed text.
func (p *process) waitFor(text string) {
	p.t.Helper()
	await(p.t, fmt.Sprintf("%s does not print %q", p.cmd, text), func() bool { return strings.Contains(p.output(), text) })
}

// stop ends programs with SIGTERM, at once.
func stop(t *testing.T, programs ...*process) {
	t.Helper()
	for _, p := range programs {
		qt.Assert(t, p.cmd.Process.Signal(syscall.SIGTERM), qt.IsNil)
	}
	for _, p := range programs {
		select {
		case <-p.done:
			qt.Check(t, p.err, qt.IsNil)
		case <-time.After(patience):
			t.Errorf("%s does not end", p.cmd)
		}
	}
}

// await waits until cond is true.
func await(t *testing.T, problem string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !cond(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(problem)
		}
	}
}
