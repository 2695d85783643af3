package netlog

import (
	"net/netip"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// Message is one record: the traffic of one node in one window of time.
//
// Its JSON form is the wire format, which tools for Tailscale's network flow
// logs read too. Fields are only ever added. Zero fields are left out, traffic is
// sorted by destination, source and protocol, integers are exact to 2^64-1.
type Message struct {
	NodeID string `json:"nodeId,omitzero"` // of the node that reports

	Start time.Time `json:"start,omitzero"` // of the window, inclusive
	End   time.Time `json:"end,omitzero"`   // of the window, inclusive

	SrcNode  Node   `json:"srcNode,omitzero"`   // the node that reports, where the host names nodes
	DstNodes []Node `json:"dstNodes,omitempty"` // the nodes it talked to, where the host names nodes

	VirtualTraffic  []ConnectionCounts `json:"virtualTraffic,omitempty"`  // between nodes
	SubnetTraffic   []ConnectionCounts `json:"subnetTraffic,omitempty"`   // with a subnet behind a node
	ExitTraffic     []ConnectionCounts `json:"exitTraffic,omitempty"`     // with the world outside, scrubbed as ExitPolicy says
	PhysicalTraffic []ConnectionCounts `json:"physicalTraffic,omitempty"` // of the encrypted transport, one entry per peer
}

// Node describes a node to those who read the records. Empty fields are left out.
type Node struct {
	NodeID    string       `json:"nodeId,omitzero"`
	Name      string       `json:"name,omitzero"`
	Addresses []netip.Addr `json:"addresses,omitempty"`
	OS        string       `json:"os,omitzero"`
	User      string       `json:"user,omitzero"`
	Tags      []string     `json:"tags,omitempty"`
}

// ConnectionCounts are the packets and bytes of one flow in a window. Totals of
// exit traffic have the zero Tuple.
type ConnectionCounts struct {
	flowtrack.Tuple
	tunstats.Counts
}
