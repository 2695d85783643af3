package record

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// Message is one record: the traffic of one node in one window of time.
//
// Its JSON form is the wire format: one object of at most 255 KiB. Tools for
// Tailscale's network flow logs read it too. Later versions only add members. Zero
// fields are left out, integers are exact to 2^64-1, and strings are valid UTF-8.
// Unmarshalling a record returns the Message that was written.
//
// A window that needs more than 255 KiB becomes several Messages with the same
// NodeID, Start, End and SrcNode. Each flow is in exactly one of them.
//
// A Message passed to the OnRecord callback of a netlog.Logger belongs to the Logger,
// with all its slices. It is read-only, and valid until OnRecord returns. Use Clone to
// keep it.
type Message struct {
	// NodeID is the label of the node that reports, from the NodeID of its Logger. It
	// is a claim: only the log server knows who sent the record. At most 256 bytes are
	// written.
	NodeID string `json:"nodeId,omitzero"`

	// Start and End bound the window, both inclusive, in UTC to the nanosecond.
	// End is never before Start. PhysicalTraffic may be older.
	Start time.Time `json:"start,omitzero"`
	End   time.Time `json:"end,omitzero"`

	// SrcNode describes the node that reports, if its LookupNode knows it.
	SrcNode Node `json:"srcNode,omitzero"`

	// DstNodes describes the other nodes whose addresses occur below, as far as
	// LookupNode knows them: each once, sorted by first address. Unknown addresses and
	// the outer addresses of physical traffic are never looked up.
	DstNodes []Node `json:"dstNodes,omitempty"`

	// The traffic by class, each list sorted by destination, source and protocol.
	// Tx counts what the source of an entry sent, Rx what it received.
	VirtualTraffic []ConnectionCounts `json:"virtualTraffic,omitempty"` // between nodes
	SubnetTraffic  []ConnectionCounts `json:"subnetTraffic,omitempty"`  // with a subnet behind a node
	ExitTraffic    []ConnectionCounts `json:"exitTraffic,omitempty"`    // with the outside world, as far as the exit policy shows it

	// PhysicalTraffic is that of the encrypted transport, from a peer's VPN address to its
	// endpoint. Start does not bound it: alone it makes no record, so it includes all
	// transport traffic since the last record, such as the keepalives of idle hours.
	PhysicalTraffic []ConnectionCounts `json:"physicalTraffic,omitempty"`

	// DeniedTraffic is the traffic of any class that the daemon's own filter dropped. It is
	// sorted in the same way, and shows no more of exit traffic than ExitTraffic. Packets that
	// were dropped after they came through the tunnel are in the lists above too.
	DeniedTraffic []ConnectionCounts `json:"deniedTraffic,omitempty"`

	// LostPackets is the number of packets that passed through the device uncounted since the
	// last record, because the kernel captured more than could be read in time. They are in
	// no list. It is zero for a device that counts on the path of the packets.
	LostPackets uint64 `json:"lostPackets,omitzero"`
}

// Clone returns a deep copy of m, which the caller owns.
func (m *Message) Clone() *Message {
	c := *m
	c.SrcNode = m.SrcNode.clone()
	c.DstNodes = slices.Clone(m.DstNodes)
	for i, n := range c.DstNodes {
		c.DstNodes[i] = n.clone()
	}
	c.VirtualTraffic = slices.Clone(m.VirtualTraffic)
	c.SubnetTraffic = slices.Clone(m.SubnetTraffic)
	c.ExitTraffic = slices.Clone(m.ExitTraffic)
	c.PhysicalTraffic = slices.Clone(m.PhysicalTraffic)
	c.DeniedTraffic = slices.Clone(m.DeniedTraffic)
	return &c
}

// Node describes a node. netlog writes what LookupNode returns, and itself uses only the
// addresses. Empty fields are left out.
//
// A Node that takes more than 4 KiB of JSON is not written. Nor is a Node for which the
// window has no room left, so that long names never displace flows.
type Node struct {
	NodeID    string       `json:"nodeId,omitzero"`     // stable and unique: the NodeID of the Logger on that node
	Name      string       `json:"name,omitzero"`       // for people, usually a DNS name
	Addresses []netip.Addr `json:"addresses,omitempty"` // in the VPN; empty: the address that was looked up
	OS        string       `json:"os,omitzero"`
	User      string       `json:"user,omitzero"` // the owner of the node, if it has no tags
	Tags      []string     `json:"tags,omitempty"`
}

// clone returns a deep copy of n.
func (n Node) clone() Node {
	n.Addresses = slices.Clone(n.Addresses)
	n.Tags = slices.Clone(n.Tags)
	return n
}

// ConnectionCounts holds the packets and bytes of one flow in a window. Fields that are
// unknown or hidden are zero: totals of exit traffic have the zero Tuple.
type ConnectionCounts struct {
	flowtrack.Tuple
	tunstats.Counts
}

// String returns the flow and its counts for people to read: packets and bytes
// sent, then received, each with the TCP flags if there are any, such as
// "TCP 10.0.0.2:4000 -> 10.0.0.3:22 tx 1/60 S rx 2/120 SA".
func (c ConnectionCounts) String() string {
	return fmt.Sprintf("%v tx %d/%d%s rx %d/%d%s", c.Tuple,
		c.TxPackets, c.TxBytes, letters(c.TxFlags), c.RxPackets, c.RxBytes, letters(c.RxFlags))
}

// Reverse returns c as the other side of the flow sees it: with source and destination exchanged, and
// with Tx and Rx exchanged.
func (c ConnectionCounts) Reverse() ConnectionCounts {
	c.Src, c.Dst = c.Dst, c.Src
	c.TxPackets, c.RxPackets = c.RxPackets, c.TxPackets
	c.TxBytes, c.RxBytes = c.RxBytes, c.TxBytes
	c.TxFlags, c.RxFlags = c.RxFlags, c.TxFlags
	return c
}

// letters returns f after a space, or "" if f is zero.
func letters(f tunstats.TCPFlags) string {
	if f == 0 {
		return ""
	}
	return " " + f.String()
}
