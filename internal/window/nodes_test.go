package window

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/encode"
	"github.com/go-netlog/netlog/internal/encode/encodetest"
	"github.com/go-netlog/netlog/record"
)

func TestRecordsNodesOnceAndSorted(t *testing.T) {
	addr := netip.MustParseAddr
	nodes := map[netip.Addr]record.Node{
		addr("100.64.0.2"):  {Name: "b", Addresses: []netip.Addr{addr("100.64.0.2"), addr("fd00::2")}},
		addr("fd00::2"):     {Name: "b", Addresses: []netip.Addr{addr("100.64.0.2"), addr("fd00::2")}},
		addr("100.64.0.3"):  {Name: "c"},
		addr("100.64.0.4"):  {Name: "router", Addresses: []netip.Addr{addr("100.64.0.4")}},
		addr("192.168.1.8"): {Name: "router", Addresses: []netip.Addr{addr("100.64.0.4")}},
		addr("192.168.1.9"): {Name: "router", Addresses: []netip.Addr{addr("100.64.0.4")}},
		addr("192.168.2.1"): {Name: "a, a router as well", Addresses: []netip.Addr{addr("100.64.0.1")}},
		addr("192.0.2.7"):   {Name: "never asked for: it is an endpoint"},
	}
	w := Window{
		MaxNames: math.MaxInt,
		SrcNode:  record.Node{Name: "a", Addresses: []netip.Addr{addr("100.64.0.1")}},
		Own:      []netip.Addr{addr("fd00::1")},
		Virtual: []record.ConnectionCounts{
			encodetest.Flow(6, "[fd00::1]:1", "[fd00::2]:2", 1),
			encodetest.Flow(6, "100.64.0.1:1", "100.64.0.2:2", 1),
			encodetest.Flow(6, "100.64.0.1:1", "[::ffff:100.64.0.3]:2", 1),
		},
		Subnet: []record.ConnectionCounts{
			encodetest.Flow(6, "100.64.0.1:1", "192.168.1.8:2", 1),
			encodetest.Flow(6, "192.168.2.1:1", "192.168.1.9:2", 1),
		},
		Exit:     []record.ConnectionCounts{encodetest.Flow(0, "", "100.64.0.3:0", 1)},
		Physical: []record.ConnectionCounts{encodetest.Flow(0, "100.64.0.4:0", "192.0.2.7:41641", 1)},
	}
	ordered(&w)
	var asked []string
	_, messages := collect(&w, func(a netip.Addr) (record.Node, bool) {
		asked = append(asked, a.String())
		n, ok := nodes[a]
		return n, ok
	})
	qt.Assert(t, messages, qt.HasLen, 1)
	var names []string
	for _, n := range messages[0].DstNodes {
		names = append(names, fmt.Sprint(n.Name, n.Addresses))
	}
	qt.Check(t, names, qt.DeepEquals, []string{"b[100.64.0.2 fd00::2]", "c[100.64.0.3]", "router[100.64.0.4]"})
	qt.Check(t, asked, qt.DeepEquals, []string{"100.64.0.2", "100.64.0.3", "192.168.1.8", "192.168.2.1", "192.168.1.9"})
}

// TestRecordsLargeNodeLookedUpOnce, however many of its addresses have flows.
func TestRecordsLargeNodeLookedUpOnce(t *testing.T) {
	large := record.Node{Name: "large"}
	w := Window{MaxNames: math.MaxInt}
	for n := range 1000 {
		a := netip.AddrFrom4([4]byte{100, 64, byte(n >> 8), byte(n)})
		large.Addresses = append(large.Addresses, a)
		w.Virtual = append(w.Virtual, encodetest.Flow(6, "100.100.0.1:1", netip.AddrPortFrom(a, 2).String(), 1))
	}
	ordered(&w)
	asked := 0
	_, messages := collect(&w, func(a netip.Addr) (record.Node, bool) {
		asked++
		return large, a != netip.MustParseAddr("100.100.0.1")
	})
	qt.Check(t, asked, qt.Equals, 2)
	qt.Check(t, messages[0].DstNodes, qt.HasLen, 0)
}

// checkNodes checks that DstNodes are the nodes of m's addresses, each once.
func checkNodes(t testing.TB, w *Window, m *record.Message, lookup func(netip.Addr) (record.Node, bool)) {
	t.Helper()
	want, seen := make(map[netip.Addr]string), make(map[netip.Addr]bool)
	add := func(a netip.Addr) {
		if !a.IsValid() {
			return
		}
		a = a.Unmap().WithZone("")
		if seen[a] {
			return
		}
		seen[a] = true
		n, ok := lookup(a)
		if !ok || slices.Contains(w.SrcNode.Addresses, a) {
			return
		}
		if len(n.Addresses) == 0 {
			n.Addresses = []netip.Addr{a}
		}
		if encode.NodeSize(&n) <= maxNode && !slices.Contains(w.SrcNode.Addresses, n.Addresses[0]) {
			want[n.Addresses[0]] = jsonOf(&record.Message{SrcNode: n})
		}
	}
	for _, traffic := range classesOf(m) {
		for _, c := range traffic {
			add(c.Src.Addr())
		}
	}
	for _, c := range slices.Concat(m.VirtualTraffic, m.SubnetTraffic, m.ExitTraffic, m.DeniedTraffic) {
		add(c.Dst.Addr())
	}
	got := make(map[netip.Addr]string)
	var order []netip.Addr
	for _, n := range m.DstNodes {
		order = append(order, n.Addresses[0])
		got[n.Addresses[0]] = jsonOf(&record.Message{SrcNode: n})
	}
	qt.Check(t, slices.IsSortedFunc(order, netip.Addr.Compare), qt.IsTrue)
	qt.Check(t, order, qt.HasLen, len(got))
	qt.Check(t, maps.Equal(got, want), qt.IsTrue, qt.Commentf("got %v, want %v", got, want))
}

func nobody(netip.Addr) (record.Node, bool) { return record.Node{}, false }
