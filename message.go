package netlog

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
// Its JSON form is the wire format, one object of at most 255 KiB, which tools
// for Tailscale's network flow logs read too. Members are only ever added to it.
// Zero fields are left out, integers are exact to 2^64-1, and strings are valid
// UTF-8 whatever the host gave. Unmarshalling gives the Message back.
//
// A window that needs more than 255 KiB becomes several Messages with the same
// NodeID, Start, End and SrcNode. Each flow stands in exactly one of them, whole.
//
// The Message that [Logger.OnRecord] receives belongs to the Logger, with all
// slices in it: it is read-only, and valid until OnRecord returns. Clone keeps it.
type Message struct {
	// NodeID names the node that reports, as Logger.NodeID does. It is a claim:
	// a log server knows better who sent the record. At most 256 bytes are written.
	NodeID string `json:"nodeId,omitzero"`

	// Start and End bound the window, both inclusive, in UTC to the nanosecond.
	// End is never before Start.
	Start time.Time `json:"start,omitzero"`
	End   time.Time `json:"end,omitzero"`

	// SrcNode is the node that reports, where Logger.LookupNode knows it.
	SrcNode Node `json:"srcNode,omitzero"`

	// DstNodes are the other nodes that the addresses below belong to, where
	// Logger.LookupNode knows them: each once, sorted by first address. The outer
	// addresses of physical traffic and the world outside have none.
	DstNodes []Node `json:"dstNodes,omitempty"`

	// The traffic by class, each sorted by destination, source and protocol.
	// Tx is what the source of an entry sent, Rx what it received.
	VirtualTraffic  []ConnectionCounts `json:"virtualTraffic,omitempty"`  // between nodes
	SubnetTraffic   []ConnectionCounts `json:"subnetTraffic,omitempty"`   // with a subnet behind a node
	ExitTraffic     []ConnectionCounts `json:"exitTraffic,omitempty"`     // with the world outside, written as ExitPolicy says
	PhysicalTraffic []ConnectionCounts `json:"physicalTraffic,omitempty"` // of the encrypted transport: from the peer's VPN address to its endpoint
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
	return &c
}

// Node describes a node to those who read the records, in the words of the host
// daemon: netlog writes what [Logger.LookupNode] returns and reads nothing into
// it but the addresses. Empty fields are left out.
//
// A Node that takes more than 4 KiB of JSON is not written, nor are those past the
// share that names have of a window (see [Logger]), so that no name, however long,
// displaces flows.
type Node struct {
	NodeID    string       `json:"nodeId,omitzero"`     // stable and unique, as Logger.NodeID of that node
	Name      string       `json:"name,omitzero"`       // for people, usually a DNS name
	Addresses []netip.Addr `json:"addresses,omitempty"` // in the VPN; none: the one that was looked up
	OS        string       `json:"os,omitzero"`
	User      string       `json:"user,omitzero"` // who owns the node, where it is not tagged
	Tags      []string     `json:"tags,omitempty"`
}

// clone returns a deep copy of n.
func (n Node) clone() Node {
	n.Addresses = slices.Clone(n.Addresses)
	n.Tags = slices.Clone(n.Tags)
	return n
}

// withAddress returns n with the address that it was found by, where it names
// none: so that a reader knows whose node it is.
func (n Node) withAddress(a netip.Addr) Node {
	if len(n.Addresses) == 0 {
		n.Addresses = []netip.Addr{a}
	}
	return n
}

// isZero reports whether omitzero leaves n out.
func (n *Node) isZero() bool {
	return n.NodeID == "" && n.Name == "" && n.Addresses == nil && n.OS == "" && n.User == "" && n.Tags == nil
}

// ConnectionCounts are the packets and bytes of one flow in a window. What is not
// known or must not be told is zero: totals of exit traffic have the zero Tuple.
type ConnectionCounts struct {
	flowtrack.Tuple
	tunstats.Counts
}

// String returns the flow and its counts, for people to read: packets and bytes
// sent, then received, as "UDP 10.0.0.2:53 -> 10.0.0.3:4000 tx 1/60 rx 2/120".
func (c ConnectionCounts) String() string {
	return fmt.Sprintf("%v tx %d/%d rx %d/%d", c.Tuple, c.TxPackets, c.TxBytes, c.RxPackets, c.RxBytes)
}
