package window

import (
	"net/netip"
	"slices"

	"github.com/go-netlog/netlog/internal/encode"
	"github.com/go-netlog/netlog/record"
)

// nodes finds the nodes of the addresses in a window. It looks each address up once.
type nodes struct {
	lookup func(netip.Addr) (record.Node, bool) // may be nil
	byAddr map[netip.Addr]int                   // index in found, or noNode
	found  []node
}

// node is a candidate for DstNodes.
type node struct {
	record.Node
	size int // bytes of its JSON
	in   int // serial number of the last record that contains it
}

const noNode = -1 // in place of an index: the address has no node to write

// newNodes returns nodes that looks up all addresses except own.
func newNodes(lookup func(netip.Addr) (record.Node, bool), own ...[]netip.Addr) nodes {
	ns := nodes{lookup: lookup}
	if lookup != nil {
		ns.byAddr = make(map[netip.Addr]int)
		for _, a := range slices.Concat(own...) {
			ns.byAddr[a] = noNode
		}
	}
	return ns
}

// find returns the index in found of the node with address a, or noNode.
func (ns *nodes) find(a netip.Addr) int {
	if ns.lookup == nil || !a.IsValid() {
		return noNode
	}
	a = a.Unmap().WithZone("")
	i, ok := ns.byAddr[a]
	if !ok {
		i = ns.ask(a)
		ns.byAddr[a] = i
	}
	return i
}

// ask looks a up and remembers the result for all addresses of the Node.
func (ns *nodes) ask(a netip.Addr) int {
	n, ok := ns.lookup(a)
	if !ok {
		return noNode
	}
	if len(n.Addresses) == 0 {
		n.Addresses = []netip.Addr{a} // so that a reader knows whose node it is
	}
	if i, ok := ns.byAddr[n.Addresses[0]]; ok {
		return i // already found by another address, or a is in a subnet behind the node
	}
	i := noNode
	if size := encode.NodeSize(&n); size <= maxNode {
		i = len(ns.found)
		ns.found = append(ns.found, node{Node: n, size: size})
	}
	for _, other := range n.Addresses {
		if _, ok := ns.byAddr[other]; !ok {
			ns.byAddr[other] = i
		}
	}
	return i
}

// Self returns the Node that reports: the first one that lookup returns for its own addresses.
func Self(own []netip.Addr, lookup func(netip.Addr) (record.Node, bool)) record.Node {
	for _, a := range own {
		if n, ok := lookup(a); ok {
			if len(n.Addresses) == 0 {
				n.Addresses = []netip.Addr{a}
			}
			return n
		}
	}
	return record.Node{}
}
