package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/killtest"
	"github.com/go-netlog/netlog/netif/internal/tuntest"
)

// small is a machine with a VPN interface, tun0, behind which is the test.
type small struct {
	t *testing.T
	*namespace
	books
	tun   *tuntest.Tun
	state string
}

func newSmall(t *testing.T) *small {
	needNamespaces(t)
	s := &small{t: t, namespace: newNamespace(t, "s"), books: newBooks(t), state: t.TempDir()}
	s.do(func() (err error) {
		s.tun, err = tuntest.OpenTun("tun0", false)
		return err
	})
	t.Cleanup(s.tun.Close)
	s.ip("link", "set", "tun0", "up")
	s.ip("addr", "add", "10.99.0.1/24", "dev", "tun0")
	return s
}

// agent starts netlogd. It has returned when no packet is missed any more.
func (s *small) agent(flags ...string) *process {
	s.t.Helper()
	p := s.start(childEnv+"=1", self(s.t), append(append([]string{"-state", s.state}, flags...), "tun0")...)
	p.expect("flows are logged as")
	return p
}

// collector starts netlog serve where netlogd looks for it.
func (s *small) collector() *process {
	s.t.Helper()
	p := s.start("", s.netlog, "serve", "-dir", s.dir)
	p.expect("8641")
	return p
}

// receive makes tun0 receive packets of 128 bytes.
func (s *small) receive(packets int) {
	s.t.Helper()
	for n := range packets {
		src := netip.AddrPortFrom(netip.MustParseAddr("10.99.0.2"), uint16(1024+n%1000))
		qt.Assert(s.t, s.tun.Deliver(tuntest.UDP4(src, netip.MustParseAddrPort("10.99.0.1:9"), 100)), qt.IsNil)
	}
}

// received returns what the collector has stored of packets that tun0 received.
func (s *small) received() uint64 {
	s.t.Helper()
	return inside(s.of(filepath.Join(s.state, "tun0", "id"))).sum().RxPackets
}

// waitSpooled waits until the spool of an agent with a short period has so many packets that were received. No
// collector may take them meanwhile.
func (s *small) waitSpooled(packets int) {
	s.t.Helper()
	waitFor(s.t, func() bool {
		segments, err := filepath.Glob(filepath.Join(s.state, "tun0", "spool", "*.q"))
		qt.Assert(s.t, err, qt.IsNil)
		sum := 0
		for _, name := range segments {
			entries, err := os.ReadFile(name)
			qt.Assert(s.t, err, qt.IsNil)
			for _, flow := range rxPackets.FindAllSubmatch(entries, -1) {
				n, err := strconv.Atoi(string(flow[1]))
				qt.Assert(s.t, err, qt.IsNil)
				sum += n
			}
		}
		return sum == packets
	})
}

var rxPackets = regexp.MustCompile(`"rxPkts":(\d+)`)

func TestAgentSignalDeliversTheLastWindow(t *testing.T) {
	killtest.Hangup(t)
	s := newSmall(t)
	collector := s.collector()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		agent := s.agent("-period", "1h")
		s.receive(1000)
		qt.Check(t, agent.stop(signal), qt.IsNil, qt.Commentf("%v", signal))
	}
	qt.Check(t, collector.stop(syscall.SIGTERM), qt.IsNil)
	qt.Check(t, s.received(), qt.Equals, uint64(3000))
}

// TestAgentNohup checks that SIGHUP does not end netlogd if it was ignored at the start.
func TestAgentNohup(t *testing.T) {
	s := newSmall(t)
	collector := s.collector()
	agent := s.start(childEnv+"=1", "sh", "-c", `trap "" HUP; exec "$@"`, "sh", self(t), "-state", s.state, "-period", "100ms", "tun0")
	agent.expect("flows are logged as")
	qt.Assert(t, agent.cmd.Process.Signal(syscall.SIGHUP), qt.IsNil)
	s.receive(10)
	collector.expect("virtual: ")
	s.receive(10)
	qt.Check(t, agent.stop(syscall.SIGTERM), qt.IsNil)
	qt.Check(t, collector.stop(syscall.SIGTERM), qt.IsNil)
	qt.Check(t, s.received(), qt.Equals, uint64(20))
}

// TestAgentKeepsWhatTheCollectorDidNotTake checks that nothing is lost while the collector is away,
// neither at SIGTERM nor at kill -9 after the end of a window.
func TestAgentKeepsWhatTheCollectorDidNotTake(t *testing.T) {
	s := newSmall(t)
	agent := s.agent("-period", "1h")
	s.receive(100)
	qt.Check(t, agent.stop(syscall.SIGTERM), qt.IsNil)
	qt.Check(t, strings.Contains(agent.output(), "tun0: not sent yet: 1 entry, kept in "+s.state+"/tun0 for the next start"), qt.IsTrue, qt.Commentf("%s", agent.output()))

	for round := range 3 {
		agent = s.agent("-period", "100ms")
		s.receive(1000)
		s.waitSpooled(100 + 1000*(round+1))
		agent.stop(syscall.SIGKILL)
	}

	collector, agent := s.collector(), s.agent("-period", "1h")
	s.receive(10)
	qt.Check(t, agent.stop(syscall.SIGTERM), qt.IsNil)
	qt.Check(t, collector.stop(syscall.SIGTERM), qt.IsNil)
	qt.Check(t, s.received(), qt.Equals, uint64(100+3*1000+10))
}

func TestAgentFollowsAnInterfaceThatComesBack(t *testing.T) {
	s := newSmall(t)
	s.tun.Close()
	collector, agent := s.collector(), s.agent("-period", "100ms")
	agent.expect("waiting for the interface")
	for n := range 2 {
		s.do(func() (err error) {
			s.tun, err = tuntest.OpenTun("tun0", false)
			return err
		})
		waitFor(t, func() bool { return strings.Count(agent.output(), "counting its packets") == n+1 })
		s.ip("link", "set", "tun0", "up")
		s.ip("addr", "add", "10.99.0.1/24", "dev", "tun0")
		s.receive(100)
		s.tun.Close()
		waitFor(t, func() bool { return strings.Count(agent.output(), "was removed") == n+1 })
	}
	qt.Check(t, agent.stop(syscall.SIGTERM), qt.IsNil)
	qt.Check(t, collector.stop(syscall.SIGTERM), qt.IsNil)
	qt.Check(t, s.received(), qt.Equals, uint64(200))
}

// TestAgentFullDisk checks that a full disk costs records, which is logged, but not the agent.
func TestAgentFullDisk(t *testing.T) {
	s := newSmall(t)
	c := qt.New(t)
	c.Assert(syscall.Mount("tmpfs", s.state, "tmpfs", 0, "size=1m"), qt.IsNil)
	t.Cleanup(func() { syscall.Unmount(s.state, 0) })
	agent := s.agent("-period", "100ms")
	ballast, err := os.Create(filepath.Join(s.state, "ballast"))
	c.Assert(err, qt.IsNil)
	for err == nil {
		_, err = ballast.Write(make([]byte, 4096))
	}
	ballast.Close()
	s.receive(3000)
	agent.expect("no space left on device")
	c.Assert(os.Remove(ballast.Name()), qt.IsNil)
	time.Sleep(300 * time.Millisecond) // the windows without room end
	collector := s.collector()
	s.receive(500)
	c.Check(agent.stop(syscall.SIGTERM), qt.IsNil)
	c.Check(collector.stop(syscall.SIGTERM), qt.IsNil)
	c.Check(strings.Contains(agent.output(), "records are queued again"), qt.IsTrue)
	got := s.received()
	c.Check(got >= 500 && got < 3500, qt.IsTrue, qt.Commentf("%d", got))
}

// TestAgentCollectorAway sends while there is no collector. With NETLOG_ROUNDS, it is away for an hour: for as many
// windows as an hour has.
func TestAgentCollectorAway(t *testing.T) {
	s := newSmall(t)
	windows, each := 60, 20
	if os.Getenv("NETLOG_ROUNDS") != "" {
		windows = 720
	}
	agent := s.agent("-period", "5ms")
	for n := range windows {
		s.receive(each)
		s.waitSpooled(each * (n + 1)) // the kernel hands packets over after 50 ms
	}
	collector := s.collector()
	qt.Check(t, agent.stop(syscall.SIGTERM), qt.IsNil)
	qt.Check(t, collector.stop(syscall.SIGTERM), qt.IsNil)
	qt.Check(t, s.received(), qt.Equals, uint64(windows*each))
	entries := len(s.of(filepath.Join(s.state, "tun0", "id")))
	qt.Check(t, entries >= windows, qt.IsTrue, qt.Commentf("%d entries", entries))
}
