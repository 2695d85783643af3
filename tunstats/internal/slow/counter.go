package slow

import (
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// Counter counts packets as a tunstats.Statistics does between two extractions, in a map.
type Counter struct {
	MaxFlows int                                 // zero means no limit
	Counts   map[flowtrack.Tuple]tunstats.Counts // what Extract would return
	Folded   uint64                              // packets counted under a wider tuple than their own
}

// Tx counts a packet that the local side sends.
func (c *Counter) Tx(pkt []byte) { c.TxN(pkt, 1, len(pkt)) }

// Rx counts a packet that the local side receives.
func (c *Counter) Rx(pkt []byte) { c.RxN(pkt, 1, len(pkt)) }

// TxN counts packets that the local side sends and that begin with head.
func (c *Counter) TxN(head []byte, packets, bytes int) {
	if packets > 0 && bytes > 0 {
		t, flags := Parse(head, bytes)
		c.add(t, tunstats.Counts{TxPackets: uint64(packets), TxBytes: uint64(bytes), TxFlags: flags})
	}
}

// RxN counts packets that the local side receives and that begin with head.
func (c *Counter) RxN(head []byte, packets, bytes int) {
	if packets > 0 && bytes > 0 {
		t, flags := Parse(head, bytes)
		t.Src, t.Dst = t.Dst, t.Src
		c.add(t, tunstats.Counts{RxPackets: uint64(packets), RxBytes: uint64(bytes), RxFlags: flags})
	}
}

func (c *Counter) add(own flowtrack.Tuple, counts tunstats.Counts) {
	if c.Counts == nil {
		c.Counts = make(map[flowtrack.Tuple]tunstats.Counts)
	}
	t := c.fold(own)
	if t != own {
		c.Folded += counts.TxPackets + counts.RxPackets
	}
	if t.Src.Port() == 0 && t.Dst.Port() == 0 {
		counts.TxFlags, counts.RxFlags = 0, 0 // folded flows, and those that look like them
	}
	c.Counts[t] = c.Counts[t].Add(counts)
}

// fold returns the tuple that a packet of flow t is counted under: t itself, then t without
// ports, then the zero Tuple.
func (c *Counter) fold(t flowtrack.Tuple) flowtrack.Tuple {
	if c.MaxFlows == 0 || c.has(t) || c.flows() < c.MaxFlows {
		return t
	}
	t = t.WithoutPorts()
	if c.has(t) || c.flows() < c.MaxFlows+c.MaxFlows/4 {
		return t
	}
	return flowtrack.Tuple{}
}

// has reports whether t has an entry. The zero Tuple always has one.
func (c *Counter) has(t flowtrack.Tuple) bool {
	_, ok := c.Counts[t]
	return ok || t == flowtrack.Tuple{}
}

// flows returns the number of entries other than the zero Tuple.
func (c *Counter) flows() int {
	n := len(c.Counts)
	if _, ok := c.Counts[flowtrack.Tuple{}]; ok {
		n--
	}
	return n
}
