package kerneltest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// The lab. All addresses outside the tunnel are on veth pairs, so that the kernel's counters of the
// tunnel interface include only what the tests send through it.
//
//	node a ------ 192.0.2.0/30 ------ node b      the encrypted transport
//	node a ------ 10.97.0.0/30 ------ outside     the way past the tunnel
//	              node b ------ 10.98.0.0/24 ------ outside     the subnet behind b
//
//	inside the tunnel: 10.99.0.0/24 and fd99::/64; outside is also 203.0.113.7,
//	which a reaches by its default route through b.
const (
	underA, underB      = "192.0.2.1", "192.0.2.2"
	outsideFromA        = "10.97.0.2"
	outsideBehindB      = "10.98.0.2"
	internet            = "203.0.113.7"
	insideA, insideB    = "10.99.0.1", "10.99.0.2"
	insideA6, insideB6  = "fd99::1", "fd99::2"
	wireguardPort       = 51820
	collectorPort       = 8641
	childEnv            = "WGTUN_KERNELTEST_CHILD" // if set, the test binary runs as a child
	childDeadline       = 10 * time.Minute
	deviceName          = "wg0"
	collectorPastTunnel = "http://" + outsideFromA + ":8641"
	collectorThroughIt  = "http://" + outsideBehindB + ":8641"
	collectorFromB      = collectorThroughIt // which b reaches over a veth pair, not through the tunnel
)

// needLab skips the test if the lab cannot be built.
func needLab(t *testing.T) {
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
	probe := fmt.Sprintf("nlwg%d-probe", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", probe).CombinedOutput(); err != nil {
		t.Skipf("needs network namespaces: %v: %s", err, out)
	}
	exec.Command("ip", "netns", "del", probe).Run()
}

// lab holds the names of three network namespaces, which are joined by veth pairs.
type lab struct{ a, b, outside string }

func newLab(t *testing.T) *lab {
	l := &lab{}
	for _, ns := range []struct {
		name *string
		as   string
	}{{&l.a, "a"}, {&l.b, "b"}, {&l.outside, "out"}} {
		*ns.name = fmt.Sprintf("nlwg%d-%s", os.Getpid(), ns.as)
		ip(t, "netns", "add", *ns.name)
		t.Cleanup(func() { ip(t, "netns", "del", *ns.name) }) // removes its interfaces too
		ip(t, "-n", *ns.name, "link", "set", "lo", "up")
	}
	wire(t, l.a, "under", underA+"/30", l.b, "under", underB+"/30")
	wire(t, l.a, "past", "10.97.0.1/30", l.outside, "past", outsideFromA+"/30")
	wire(t, l.b, "lan", "10.98.0.1/24", l.outside, "lan", outsideBehindB+"/24")
	ip(t, "-n", l.outside, "addr", "add", internet+"/32", "dev", "lo")
	ip(t, "-n", l.outside, "route", "add", "default", "via", "10.98.0.1")
	ip(t, "-n", l.b, "route", "add", internet, "via", outsideBehindB)
	ip(t, "netns", "exec", l.b, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
	return l
}

// wire joins two namespaces with a veth pair.
func wire(t *testing.T, ns1, dev1, addr1, ns2, dev2, addr2 string) {
	ip(t, "link", "add", dev1, "netns", ns1, "type", "veth", "peer", "name", dev2, "netns", ns2)
	ip(t, "-n", ns1, "addr", "add", addr1, "dev", dev1)
	ip(t, "-n", ns2, "addr", "add", addr2, "dev", dev2)
	ip(t, "-n", ns1, "link", "set", dev1, "up")
	ip(t, "-n", ns2, "link", "set", dev2, "up")
}

func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// child is a process of this test binary in a namespace. It answers commands.
type child struct {
	t     *testing.T
	name  string
	stdin io.WriteCloser
	out   *bufio.Reader
}

// start runs a child until the end of the test, but no longer than childDeadline.
func (l *lab) start(t *testing.T, namespace string, cfg config) *child {
	t.Helper()
	c := qt.New(t)
	exe, err := os.Executable()
	c.Assert(err, qt.IsNil)
	text, err := json.Marshal(cfg)
	c.Assert(err, qt.IsNil)
	ctx, cancel := context.WithTimeout(context.Background(), childDeadline)
	cmd := exec.CommandContext(ctx, "ip", "netns", "exec", namespace, exe)
	cmd.Env = append(os.Environ(), "NO_PROXY=*", childEnv+"="+string(text))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // no child outlives the test binary
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	c.Assert(err, qt.IsNil)
	stdout, err := cmd.StdoutPipe()
	c.Assert(err, qt.IsNil)
	c.Assert(cmd.Start(), qt.IsNil)
	t.Cleanup(func() {
		stdin.Close() // ends the child
		err := cmd.Wait()
		cancel()
		if err != nil || stderr.Len() > 0 {
			t.Errorf("%s: %v\n%s", cfg.Name, err, &stderr)
		}
	})
	ch := &child{t, cfg.Name, stdin, bufio.NewReaderSize(stdout, 1<<20)}
	ch.answer() // wait until it is ready
	return ch
}

// ask sends a command and returns the answer.
func (c *child) ask(cmd command) answer {
	c.t.Helper()
	text, err := json.Marshal(cmd)
	qt.Assert(c.t, err, qt.IsNil)
	_, err = c.stdin.Write(append(text, '\n'))
	qt.Assert(c.t, err, qt.IsNil, qt.Commentf("%s has ended", c.name))
	return c.answer()
}

func (c *child) answer() answer {
	c.t.Helper()
	line, err := c.out.ReadBytes('\n')
	qt.Assert(c.t, err, qt.IsNil, qt.Commentf("%s has ended", c.name))
	var a answer
	qt.Assert(c.t, json.Unmarshal(line, &a), qt.IsNil, qt.Commentf("%s: %s", c.name, line))
	qt.Assert(c.t, a.Err, qt.Equals, "", qt.Commentf("%s", c.name))
	return a
}

// serveCommands answers the commands of ask in the child. It returns at the end of stdin.
func serveCommands(do func(command) (answer, error)) error {
	out := json.NewEncoder(os.Stdout)
	out.Encode(answer{})
	in := json.NewDecoder(os.Stdin)
	for {
		var cmd command
		if err := in.Decode(&cmd); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		a, err := do(cmd)
		if err != nil {
			a.Err = fmt.Sprintf("%s: %v", cmd.Op, err)
		}
		out.Encode(a)
	}
}
