package netlog

import (
	"iter"
	"net/netip"
	"slices"
	"time"
	"unicode/utf8"
)

const (
	// maxRecord bounds a record, in bytes of JSON. With the metadata that the
	// uploader adds, the entry stays within the 256 KiB that a server takes.
	maxRecord = 255 << 10

	maxNode   = 4 << 10 // bytes of JSON that one Node takes, at most
	maxNodeID = 256     // bytes of Message.NodeID
)

// window is all that is written of one window of time. Each address and port in
// it may be written: scrubbing comes before.
type window struct {
	nodeID     string
	start, end time.Time
	srcNode    Node
	own        []netip.Addr // the node's own addresses: srcNode is the only name they need

	virtual, subnet, exit, physical []ConnectionCounts // without zones, sorted by compareConnections

	maxNames int // bytes of JSON that dstNodes take in all records together
}

// records returns the Messages that w is written as, each at most maxRecord bytes
// of JSON, together every flow of w once. A window without flows has none. The
// Messages share the traffic with w, and one Message serves for all: each is valid
// until the next.
//
// lookup, if not nil, finds the Node of an address. It is called once for each
// distinct address of a window, IPv4 always as IPv4, but not for the node's own
// ones and those of a Node found already.
func (w *window) records(lookup func(netip.Addr) (Node, bool)) iter.Seq[*Message] {
	return func(yield func(*Message) bool) {
		r := newRecord(w, lookup)
		for _, class := range []struct {
			traffic []ConnectionCounts
			field   *[]ConnectionCounts
			outer   bool // the destinations are addresses outside the tunnel
		}{
			{w.virtual, &r.VirtualTraffic, false},
			{w.subnet, &r.SubnetTraffic, false},
			{w.exit, &r.ExitTraffic, false},
			{w.physical, &r.PhysicalTraffic, true},
		} {
			for rest := class.traffic; len(rest) > 0; {
				n := r.fill(rest, class.outer)
				*class.field, rest = rest[:n:n], rest[n:]
				if len(rest) > 0 && !r.flush(yield) {
					return
				}
			}
		}
		if r.size > r.head {
			r.flush(yield)
		}
	}
}

// record is a Message that grows, with a bound on the bytes it is encoded to.
// The bound is kept up while flows are added, so nothing is encoded to be measured
// but what all records of a window share, and each Node once.
type record struct {
	Message
	nodes  nodes
	room   int // bytes that are left for dstNodes, in this record and those after it
	serial int // counts the records of the window
	head   int // bytes of a Message without flows, with the names of all members
	size   int // bytes that the Message takes, at most
}

func newRecord(w *window, lookup func(netip.Addr) (Node, bool)) *record {
	r := &record{Message: Message{NodeID: cut(w.nodeID, maxNodeID), Start: wireTime(w.start), End: wireTime(w.end)}}
	if nodeSize(&w.srcNode) <= maxNode {
		r.SrcNode = w.srcNode
	}
	r.nodes = newNodes(lookup, w.own, w.srcNode.Addresses)
	r.room = w.maxNames
	var space [1 << 10]byte
	r.head = len(`{},"dstNodes":[],"virtualTraffic":[],"subnetTraffic":[],"exitTraffic":[],"physicalTraffic":[]`) +
		len(appendMessage(space[:0], &r.Message))
	r.size, r.serial = r.head, 1
	return r
}

// fill makes room for the first flows of traffic, as many as fit, and adds the
// nodes that they lead to. It returns how many: at least one in an empty record.
func (r *record) fill(traffic []ConnectionCounts, outer bool) int {
	for i := range traffic {
		c := &traffic[i]
		src := r.nodes.find(c.Src.Addr())
		dst := src
		if !outer {
			dst = r.nodes.find(c.Dst.Addr())
		}
		size := r.size + jsonSize(c) + r.missing(src) + r.missing(dst)
		if size > maxRecord {
			return i
		}
		r.size = size
		r.name(src)
		r.name(dst)
	}
	return len(traffic)
}

// missing returns the bytes that node i would add to r.
func (r *record) missing(i int) int {
	if i == noNode || r.nodes.found[i].in == r.serial {
		return 0
	}
	size := r.nodes.found[i].size + len(",")
	if size > r.room {
		return 0
	}
	return size
}

// name adds node i to DstNodes where it is missing.
func (r *record) name(i int) {
	if size := r.missing(i); size > 0 {
		r.room -= size
		n := &r.nodes.found[i]
		n.in = r.serial
		r.DstNodes = append(r.DstNodes, n.Node)
	}
}

// flush yields the Message and begins the next one.
func (r *record) flush(yield func(*Message) bool) bool {
	slices.SortStableFunc(r.DstNodes, func(a, b Node) int { return a.Addresses[0].Compare(b.Addresses[0]) })
	ok := yield(&r.Message)
	r.DstNodes = r.DstNodes[:0]
	r.VirtualTraffic, r.SubnetTraffic, r.ExitTraffic, r.PhysicalTraffic = nil, nil, nil, nil
	r.size = r.head
	r.serial++
	return ok
}

// wireTime returns t as records hold it, or the zero time for a year that RFC 3339
// cannot write.
func wireTime(t time.Time) time.Time {
	t = t.Round(0).UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return time.Time{}
	}
	return t
}

// cut returns the first bytes of s, at most limit, without cutting a rune.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
