package main

import (
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

// mesh is a made-up VPN: packets travel along flows, and nodes count them in
// windows, as the library does. Equal seeds make equal records.
type mesh struct {
	rng   *rand.Rand
	now   time.Time // true time; nodes have clocks of their own
	nodes []*meshNode
	flows []*meshFlow
}

type meshNode struct {
	name   string
	id     string
	addr   string
	nodeID string
	skew   time.Duration // of its clock
	phase  time.Duration // of its windows

	up     bool
	proc   uint32
	seq    uint64
	window time.Time // true start of the current window
	counts map[flowtrack.Tuple]tunstats.Counts
	lines  []string
}

// meshFlow sends packets both ways along path.
type meshFlow struct {
	proto    flowtrack.Proto
	a, b     netip.AddrPort
	path     []*meshNode // the first stands at a, the last at b
	snat     bool        // the second node of the path sends on under its own address
	rate     int         // packets a tick, at most, each way
	loss     float64     // on each link
	from, to time.Duration
}

var meshStart = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func newMesh(names ...string) *mesh {
	m := &mesh{rng: rand.New(rand.NewPCG(1, 2)), now: meshStart}
	for i, name := range names {
		private := logtail.PrivateID{0: byte(i + 1)}
		m.nodes = append(m.nodes, &meshNode{
			name: name, id: private.Public().String(), nodeID: name,
			addr: fmt.Sprintf("100.64.0.%d", i+1), phase: time.Duration(i) * 700 * time.Millisecond,
			proc: uint32(1000 + i), seq: 0,
		})
	}
	return m
}

func (m *mesh) node(name string) *meshNode {
	return m.nodes[slices.IndexFunc(m.nodes, func(n *meshNode) bool { return n.name == name })]
}

// flow adds a flow between a and b, given as address:port or :port of the node.
func (m *mesh) flow(a, b string, names ...string) *meshFlow {
	f := &meshFlow{proto: flowtrack.TCP, rate: 8, to: time.Hour, from: 4 * time.Second}
	for _, n := range names {
		f.path = append(f.path, m.node(n))
	}
	if strings.HasPrefix(a, ":") {
		a = f.path[0].addr + a
	}
	if strings.HasPrefix(b, ":") {
		b = f.path[len(f.path)-1].addr + b
	}
	f.a, f.b = netip.MustParseAddrPort(a), netip.MustParseAddrPort(b)
	m.flows = append(m.flows, f)
	return f
}

const tick = 100 * time.Millisecond

// run lets time pass. Nodes that are not up start at their phase.
func (m *mesh) run(d time.Duration) {
	for end := m.now.Add(d); m.now.Before(end); m.now = m.now.Add(tick) {
		for _, n := range m.nodes {
			switch {
			case !n.up && n.window.IsZero() && m.now.Sub(meshStart) >= n.phase:
				n.start(m.now)
			case n.up && m.now.Sub(n.window) >= 5*time.Second:
				n.poll(m.now)
			}
		}
		for _, f := range m.flows {
			if age := m.now.Sub(meshStart); age < f.from || age >= f.to {
				continue
			}
			for range m.rng.IntN(f.rate + 1) {
				m.send(f, 40+m.rng.IntN(1400), false)
			}
			for range m.rng.IntN(f.rate + 1) {
				m.send(f, 40+m.rng.IntN(1400), true)
			}
		}
	}
}

// send sends one packet along the path of f, or back.
func (m *mesh) send(f *meshFlow, size int, back bool) {
	path := slices.Clone(f.path)
	if back {
		slices.Reverse(path)
	}
	for i, n := range path {
		if i > 0 {
			if m.rng.Float64() < f.loss {
				return
			}
			src, dst := f.ends(i-1, len(path), back)
			n.count(flowtrack.Tuple{Proto: f.proto, Src: dst, Dst: src}, tunstats.Counts{RxPackets: 1, RxBytes: uint64(size)})
		}
		if i < len(path)-1 {
			src, dst := f.ends(i, len(path), back)
			n.count(flowtrack.Tuple{Proto: f.proto, Src: src, Dst: dst}, tunstats.Counts{TxPackets: 1, TxBytes: uint64(size)})
		}
	}
}

// ends returns the source and destination of a packet on the link behind hop i.
func (f *meshFlow) ends(i, hops int, back bool) (src, dst netip.AddrPort) {
	a := f.a
	link := i // counted from a
	if back {
		link = hops - 2 - i
	}
	if f.snat && link >= 1 {
		a = netip.AddrPortFrom(netip.MustParseAddr(f.path[1].addr), 61000)
	}
	if back {
		return f.b, a
	}
	return a, f.b
}

func (n *meshNode) count(t flowtrack.Tuple, c tunstats.Counts) {
	if n.up {
		n.counts[t] = n.counts[t].Add(c)
	}
}

func (n *meshNode) start(now time.Time) {
	n.up, n.window = true, now
	n.counts = make(map[flowtrack.Tuple]tunstats.Counts)
}

// stop ends a process, which the next start follows with another.
func (n *meshNode) stop(now time.Time) {
	n.poll(now)
	n.up = false
	n.proc += 100
	n.seq = 0
}

// poll writes a record of the window that ends now.
func (n *meshNode) poll(now time.Time) {
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
		slices.SortFunc(l, func(x, y record.ConnectionCounts) int { return compareTuples(x.Tuple, y.Tuple) })
	}
	n.seq++
	body, err := json.Marshal(&msg)
	if err != nil {
		panic(err)
	}
	n.lines = append(n.lines, fmt.Sprintf(`{"logtail":{"id":%q,"server_time":%q,"client_time":%q,"proc_id":%d,"proc_seq":%d},%s`,
		n.id, now.Add(30*time.Millisecond).Format(time.RFC3339Nano), now.Add(n.skew).Format(time.RFC3339Nano), n.proc, n.seq, body[1:]))
}

// finish stops all nodes.
func (m *mesh) finish() {
	for _, n := range m.nodes {
		if n.up {
			n.stop(m.now)
		}
	}
}

// write writes a file for each node into a directory of the test.
func (m *mesh) write(t testing.TB) string {
	dir := t.TempDir()
	for _, n := range m.nodes {
		if n.lines != nil {
			err := os.WriteFile(filepath.Join(dir, n.name+".ndjson"), []byte(strings.Join(n.lines, "\n")+"\n"), 0o600)
			qt.Assert(t, err, qt.IsNil)
		}
	}
	return dir
}
