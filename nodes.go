package netlog

import (
	"net/netip"
	"slices"
)

// nodes finds the nodes of a window's addresses, asking for each of them once.
type nodes struct {
	lookup func(netip.Addr) (Node, bool) // nil: no address has a node
	byAddr map[netip.Addr]int            // what is known by now: an index of found, or noNode
	found  []node
}

// node is a Node that DstNodes may hold.
type node struct {
	Node
	size int // bytes of JSON
	in   int // serial of the last record that holds it
}

const noNode = -1 // nothing to write for an address

// newNodes returns the nodes that lookup finds, for all addresses but own.
func newNodes(lookup func(netip.Addr) (Node, bool), own ...[]netip.Addr) nodes {
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
	a = plainAddr(a)
	i, ok := ns.byAddr[a]
	if !ok {
		i = ns.ask(a)
		ns.byAddr[a] = i
	}
	return i
}

// ask looks a up. All addresses of the Node that it finds are known from then on.
func (ns *nodes) ask(a netip.Addr) int {
	n, ok := ns.lookup(a)
	if !ok {
		return noNode
	}
	n = n.withAddress(a)
	if i, ok := ns.byAddr[n.Addresses[0]]; ok {
		return i // found by another address already, or a is in a subnet behind it
	}
	i := noNode
	if size := nodeSize(&n); size <= maxNode {
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

// nodeSize returns the bytes of n's JSON.
func nodeSize(n *Node) int {
	var space [512]byte
	return len(appendNode(space[:0], n)) - len(",")
}
