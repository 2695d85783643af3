package doubleentry

import (
	"net/netip"
	"slices"

	"github.com/go-netlog/netlog/flowtrack"
)

// useHubAccounts marks the accounts of hubs that speak for a side of a flow.
//
// A hub is an observer. It is heard of a side that nobody keeps books of, and only
// where somebody does of the other one, since it would be held against itself
// otherwise. Of two hubs, each may have seen the whole flow or a part, so none is
// heard. Nor is one where ports were folded away: its flow may be a part of the end's,
// or the end's a part of its.
func (b *books) useHubAccounts() {
	for t, accs := range b.flows {
		src, dst := b.kept(t.Src, t), b.kept(t.Dst, t)
		if src == dst || b.folded[pairOf(t)] {
			continue
		}
		side := t.Src
		if src {
			side = t.Dst
		}
		var hub *entries
		hubs := 0
		for _, a := range accs {
			if e := b.accounts[a]; e.transit && a.Src == side {
				hub = e
				hubs++
			}
		}
		if hubs == 1 {
			hub.speaks = true
		}
	}
}

// kept reports whether somebody keeps the books of a side of flow t. The hubs that it
// goes through do not: one that lets it pass and drops another to the same address, as
// a firewall does, stands at that address only for the other.
func (b *books) kept(side netip.AddrPort, t flowtrack.Tuple) bool {
	return slices.ContainsFunc(b.owners[side.Addr()], func(node uint32) bool { return !b.isHub(node, t) })
}

// keepers returns the nodes that keep the books of a side of flow t.
func (b *books) keepers(side netip.AddrPort, t flowtrack.Tuple) []uint32 {
	return slices.DeleteFunc(slices.Clone(b.owners[side.Addr()]), func(node uint32) bool { return b.isHub(node, t) })
}

// isHub reports whether flow t goes through a node.
func (b *books) isHub(node uint32, t flowtrack.Tuple) bool {
	e := b.accounts[account{node, t}]
	return e != nil && e.transit
}
