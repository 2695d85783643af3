// Package meshtest simulates VPNs and the flow logs of their nodes.
package meshtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// Mesh is a simulated VPN. Flows send packets, and nodes count them in windows, as the library does. The
// random numbers have a fixed seed, so equal calls give equal records.
type Mesh struct {
	rng   *rand.Rand
	Now   time.Time // true time; nodes have clocks of their own
	Nodes []*Node
	Flows []*Flow
}

// Node is a node of a Mesh.
type Node struct {
	Name   string
	ID     string
	Addr   string
	nodeID string
	skew   time.Duration // the difference of its clock from true time
	Phase  time.Duration // the start of its first window, from Start

	Up     bool
	proc   uint32
	seq    uint64
	window time.Time // true start of the current window
	counts map[flowtrack.Tuple]tunstats.Counts
	Lines  []string // its records
}

// Flow sends packets in both directions along Path.
type Flow struct {
	Proto    flowtrack.Proto
	a, b     netip.AddrPort
	Path     []*Node       // the first is the node of a, the last that of b
	snat     bool          // the second node of the path does source NAT
	Rate     int           // the maximum number of packets per tick and direction
	Loss     float64       // the probability of loss on each link
	From, to time.Duration // the begin and end of the flow, from Start
}

// Start is the time at which each Mesh begins.
var Start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// New returns a Mesh of nodes with the given names.
func New(names ...string) *Mesh {
	m := &Mesh{rng: rand.New(rand.NewPCG(1, 2)), Now: Start}
	for i, name := range names {
		private := logtail.PrivateID{0: byte(i + 1)}
		m.Nodes = append(m.Nodes, &Node{
			Name: name, ID: private.Public().String(), nodeID: name,
			Addr: fmt.Sprintf("100.64.0.%d", i+1), Phase: time.Duration(i) * 700 * time.Millisecond,
			proc: uint32(1000 + i),
		})
	}
	return m
}

// Node returns the node with the given name.
func (m *Mesh) Node(name string) *Node {
	return m.Nodes[slices.IndexFunc(m.Nodes, func(n *Node) bool { return n.Name == name })]
}

// Flow adds a flow from a to b along the named nodes. a and b are address:port, or :port for the
// address of the first and last node.
func (m *Mesh) Flow(a, b string, names ...string) *Flow {
	f := &Flow{Proto: flowtrack.TCP, Rate: 8, to: time.Hour, From: 4 * time.Second}
	for _, n := range names {
		f.Path = append(f.Path, m.Node(n))
	}
	if strings.HasPrefix(a, ":") {
		a = f.Path[0].Addr + a
	}
	if strings.HasPrefix(b, ":") {
		b = f.Path[len(f.Path)-1].Addr + b
	}
	f.a, f.b = netip.MustParseAddrPort(a), netip.MustParseAddrPort(b)
	m.Flows = append(m.Flows, f)
	return f
}

// tick is the step of the simulated time.
const tick = 100 * time.Millisecond

// Run simulates a duration. Nodes that have not run yet start at their Phase.
func (m *Mesh) Run(d time.Duration) {
	for end := m.Now.Add(d); m.Now.Before(end); m.Now = m.Now.Add(tick) {
		for _, n := range m.Nodes {
			switch {
			case !n.Up && n.window.IsZero() && m.Now.Sub(Start) >= n.Phase:
				n.Start(m.Now)
			case n.Up && m.Now.Sub(n.window) >= 5*time.Second:
				n.poll(m.Now)
			}
		}
		for _, f := range m.Flows {
			if age := m.Now.Sub(Start); age < f.From || age >= f.to {
				continue
			}
			for range m.rng.IntN(f.Rate + 1) {
				m.Send(f, 40+m.rng.IntN(1400), false)
			}
			for range m.rng.IntN(f.Rate + 1) {
				m.Send(f, 40+m.rng.IntN(1400), true)
			}
		}
	}
}

// Send sends one packet along the path of f, or in the other direction if back is set.
func (m *Mesh) Send(f *Flow, size int, back bool) {
	path := slices.Clone(f.Path)
	if back {
		slices.Reverse(path)
	}
	for i, n := range path {
		if i > 0 {
			if m.rng.Float64() < f.Loss {
				return
			}
			src, dst := f.ends(i-1, len(path), back)
			n.count(flowtrack.Tuple{Proto: f.Proto, Src: dst, Dst: src}, tunstats.Counts{RxPackets: 1, RxBytes: uint64(size)})
		}
		if i < len(path)-1 {
			src, dst := f.ends(i, len(path), back)
			n.count(flowtrack.Tuple{Proto: f.Proto, Src: src, Dst: dst}, tunstats.Counts{TxPackets: 1, TxBytes: uint64(size)})
		}
	}
}

// ends returns the source and destination of a packet on the link after hop i.
func (f *Flow) ends(i, hops int, back bool) (src, dst netip.AddrPort) {
	a := f.a
	link := i // counted from a
	if back {
		link = hops - 2 - i
	}
	if f.snat && link >= 1 {
		a = netip.AddrPortFrom(netip.MustParseAddr(f.Path[1].Addr), 61000)
	}
	if back {
		return f.b, a
	}
	return a, f.b
}

// count adds c to the counts of t if the node is up.
func (n *Node) count(t flowtrack.Tuple, c tunstats.Counts) {
	if n.Up {
		n.counts[t] = n.counts[t].Add(c)
	}
}

// Start starts the node at now, with its counters at zero.
func (n *Node) Start(now time.Time) {
	n.Up, n.window = true, now
	n.counts = make(map[flowtrack.Tuple]tunstats.Counts)
}

// stop ends the process of the node. The next Start begins another one.
func (n *Node) stop(now time.Time) {
	n.poll(now)
	n.Up = false
	n.proc += 100
	n.seq = 0
}

// poll adds the record of the window that ends now. A window without packets has no record.
func (n *Node) poll(now time.Time) {
	msg := record.Message{NodeID: n.nodeID, Start: n.window.Add(n.skew), End: now.Add(n.skew)}
	n.window = now.Add(1)
	for t, c := range n.counts {
		cc := record.ConnectionCounts{Tuple: t, Counts: c}
		if overlay := netip.MustParsePrefix("100.64.0.0/10"); overlay.Contains(t.Src.Addr()) && overlay.Contains(t.Dst.Addr()) {
			msg.VirtualTraffic = append(msg.VirtualTraffic, cc)
		} else {
			msg.SubnetTraffic = append(msg.SubnetTraffic, cc)
		}
	}
	if len(n.counts) == 0 {
		return
	}
	clear(n.counts)
	for _, l := range [][]record.ConnectionCounts{msg.VirtualTraffic, msg.SubnetTraffic} {
		slices.SortFunc(l, func(x, y record.ConnectionCounts) int {
			return cmp.Or(x.Src.Compare(y.Src), x.Dst.Compare(y.Dst), cmp.Compare(x.Proto, y.Proto))
		})
	}
	n.seq++
	body, err := json.Marshal(&msg)
	if err != nil {
		panic(err)
	}
	n.Lines = append(n.Lines, fmt.Sprintf(`{"logtail":{"id":%q,"server_time":%q,"client_time":%q,"proc_id":%d,"proc_seq":%d},%s`,
		n.ID, now.Add(30*time.Millisecond).Format(time.RFC3339Nano), now.Add(n.skew).Format(time.RFC3339Nano), n.proc, n.seq, body[1:]))
}

// Finish stops all nodes.
func (m *Mesh) Finish() {
	for _, n := range m.Nodes {
		if n.Up {
			n.stop(m.Now)
		}
	}
}

// Write writes the records of each node to a file in a temporary directory, and returns the directory.
func (m *Mesh) Write(t testing.TB) string {
	dir := t.TempDir()
	for _, n := range m.Nodes {
		if n.Lines != nil {
			err := os.WriteFile(filepath.Join(dir, n.Name+".ndjson"), []byte(strings.Join(n.Lines, "\n")+"\n"), 0o600)
			qt.Assert(t, err, qt.IsNil)
		}
	}
	return dir
}

// KeepBooks removes the records of all nodes except the named ones.
func KeepBooks(m *Mesh, names ...string) {
	for _, n := range m.Nodes {
		if !slices.Contains(names, n.Name) {
			n.Lines = nil
		}
	}
}
