package netlog

import "net/netip"

// nodes finds the nodes of a window's addresses, asking for each of them once.
type nodes struct {
	lookup func(netip.Addr) (Node, bool) // nil: no address has a node
	byAddr map[netip.Addr]*node          // what is known by now; nil: nothing to write
}

// node is a Node that DstNodes may hold.
type node struct {
	Node
	size int // bytes of JSON
	in   int // serial of the last record that holds it
}

// newNodes returns the nodes that lookup finds, without own.
func newNodes(lookup func(netip.Addr) (Node, bool), own *Node) nodes {
	ns := nodes{lookup: lookup}
	if lookup != nil {
		ns.byAddr = make(map[netip.Addr]*node)
		for _, a := range own.Addresses {
			ns.byAddr[a] = nil
		}
	}
	return ns
}

// find returns the node with address a, or nil where there is none to write.
func (ns *nodes) find(a netip.Addr) *node {
	if ns.lookup == nil || !a.IsValid() {
		return nil
	}
	a = a.Unmap().WithZone("")
	n, ok := ns.byAddr[a]
	if !ok {
		n = ns.ask(a)
		ns.byAddr[a] = n
	}
	return n
}

// ask looks a up. All addresses of the Node that it finds are known from then on.
func (ns *nodes) ask(a netip.Addr) *node {
	found, ok := ns.lookup(a)
	if !ok {
		return nil
	}
	if len(found.Addresses) == 0 {
		found.Addresses = []netip.Addr{a} // so that a reader knows whose node it is
	}
	if n, ok := ns.byAddr[found.Addresses[0]]; ok {
		return n // reached by another address, a subnet behind it for one
	}
	size := nodeSize(&found)
	if size > maxNode {
		return nil
	}
	n := &node{Node: found, size: size}
	for _, own := range found.Addresses {
		if _, ok := ns.byAddr[own]; !ok {
			ns.byAddr[own] = n
		}
	}
	return n
}

// nodeSize returns the bytes of n's JSON.
func nodeSize(n *Node) int {
	var space [512]byte
	return len(appendNode(space[:0], n)) - len(",")
}
