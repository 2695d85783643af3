package window

import (
	"iter"
	"net/netip"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/go-netlog/netlog/internal/encode"
	"github.com/go-netlog/netlog/record"
)

const (
	// maxRecord bounds the JSON of a record in bytes. With the metadata that the
	// uploader adds, an entry stays within the 256 KiB that a server accepts.
	maxRecord = 255 << 10

	maxNode   = 4 << 10 // bytes of JSON of one Node
	maxNodeID = 256     // bytes of Message.NodeID
)

// Window holds the content of the records of one window of time. Exit traffic is already hidden
// in its lists.
type Window struct {
	NodeID     string
	Start, End time.Time
	SrcNode    record.Node
	Own        []netip.Addr // the node's own addresses, which SrcNode describes

	// The lists are sorted by destination, source and protocol, without zones.
	Virtual, Subnet, Exit, Physical, Denied []record.ConnectionCounts

	MaxNames int // bytes of JSON for DstNodes in all records together

	Lost uint64 // packets that the devices did not count; in the first record
}

// Records returns the Messages of w, each at most 255 KiB of JSON. Together they contain
// every flow of w once. A window without flows and losses has no record. The Messages share the
// lists of w, and each Message is valid until the next one.
//
// lookup returns the Node of an address. It may be nil. Records calls it once for each
// distinct address, with 4-in-6 addresses as IPv4, except for the node's own addresses
// and those of a Node that it already returned.
func (w *Window) Records(lookup func(netip.Addr) (record.Node, bool)) iter.Seq[*record.Message] {
	return func(yield func(*record.Message) bool) {
		r := newBuilder(w, lookup)
		for _, class := range []struct {
			traffic []record.ConnectionCounts
			field   *[]record.ConnectionCounts
			outer   bool // see fill
		}{
			{w.Virtual, &r.VirtualTraffic, false},
			{w.Subnet, &r.SubnetTraffic, false},
			{w.Exit, &r.ExitTraffic, false},
			{w.Physical, &r.PhysicalTraffic, true},
			{w.Denied, &r.DeniedTraffic, false},
		} {
			for rest := class.traffic; len(rest) > 0; {
				n := r.fill(rest, class.outer)
				*class.field, rest = rest[:n:n], rest[n:]
				if len(rest) > 0 && !r.flush(yield) {
					return
				}
			}
		}
		if r.size > r.head || r.LostPackets > 0 {
			r.flush(yield)
		}
	}
}

// builder is a Message that grows up to a bound of its JSON. It adds up the sizes of the
// flows, so it only has to encode what all records of a window share, and each Node once.
type builder struct {
	record.Message
	nodes  nodes
	room   int // bytes left for DstNodes in this record and the following ones
	serial int // number of the record in the window
	head   int // bytes of a Message without flows, including the names of all members
	size   int // upper bound of the bytes of the Message
}

func newBuilder(w *Window, lookup func(netip.Addr) (record.Node, bool)) *builder {
	r := &builder{Message: record.Message{NodeID: cut(w.NodeID, maxNodeID), Start: wireTime(w.Start), End: wireTime(w.End), LostPackets: w.Lost}}
	if encode.NodeSize(&w.SrcNode) <= maxNode {
		r.SrcNode = w.SrcNode
	}
	r.nodes = newNodes(lookup, w.Own, w.SrcNode.Addresses)
	r.room = w.MaxNames
	var space [1 << 10]byte
	r.head = len(`{},"dstNodes":[],"virtualTraffic":[],"subnetTraffic":[],"exitTraffic":[],"physicalTraffic":[],"deniedTraffic":[]`) +
		len(encode.AppendMessage(space[:0], &r.Message))
	r.size, r.serial = r.head, 1
	return r
}

// fill accounts for as many flows of traffic as fit, and adds their nodes. It returns
// the number of flows, which is at least one if the record is empty. outer says that the
// destinations are addresses outside the tunnel, which are not looked up.
func (r *builder) fill(traffic []record.ConnectionCounts, outer bool) int {
	for i := range traffic {
		c := &traffic[i]
		src := r.nodes.find(c.Src.Addr())
		dst := src
		if !outer {
			dst = r.nodes.find(c.Dst.Addr())
		}
		size := r.size + encode.Size(c) + r.missing(src) + r.missing(dst)
		if size > maxRecord {
			return i
		}
		r.size = size
		r.name(src)
		r.name(dst)
	}
	return len(traffic)
}

// missing returns the number of bytes that node i would add to r.
func (r *builder) missing(i int) int {
	if i == noNode || r.nodes.found[i].in == r.serial {
		return 0
	}
	size := r.nodes.found[i].size + len(",")
	if size > r.room {
		return 0
	}
	return size
}

// name adds node i to DstNodes if it is missing.
func (r *builder) name(i int) {
	if size := r.missing(i); size > 0 {
		r.room -= size
		n := &r.nodes.found[i]
		n.in = r.serial
		r.DstNodes = append(r.DstNodes, n.Node)
	}
}

// flush yields the Message and begins the next.
func (r *builder) flush(yield func(*record.Message) bool) bool {
	slices.SortStableFunc(r.DstNodes, func(a, b record.Node) int { return a.Addresses[0].Compare(b.Addresses[0]) })
	ok := yield(&r.Message)
	r.DstNodes = r.DstNodes[:0]
	r.VirtualTraffic, r.SubnetTraffic, r.ExitTraffic, r.PhysicalTraffic, r.DeniedTraffic = nil, nil, nil, nil, nil
	r.size, r.LostPackets = r.head, 0
	r.serial++
	return ok
}

// wireTime returns t in UTC, or the zero time if RFC 3339 cannot express the year.
func wireTime(t time.Time) time.Time {
	t = t.Round(0).UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return time.Time{}
	}
	return t
}

// cut returns at most limit bytes of s, without splitting a rune.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
