package doubleentry

import (
	"net/netip"
	"slices"

	"github.com/go-netlog/netlog/flowtrack"
)

// useHubAccounts marks the accounts of hubs that are used for a side of a flow.
//
// A hub only observes. Its account is used for a side without records, and only if the
// other side has some, since it would be compared with itself otherwise. With two hubs,
// each may have seen all of the flow or a part, so neither is used. A hub is not used if
// ports were folded away, because its flow may then contain the other one or be a part of it.
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
			hub.used = true
		}
	}
}

// kept reports whether a node other than the hubs of flow t has records for this side. A
// hub that forwards t and drops another flow to the same address, as a firewall does, is
// at that address only for the other flow.
func (b *books) kept(side netip.AddrPort, t flowtrack.Tuple) bool {
	return slices.ContainsFunc(b.owners[side.Addr()], func(node uint32) bool { return !b.isHub(node, t) })
}

// keepers returns the nodes that have records for a side of flow t.
func (b *books) keepers(side netip.AddrPort, t flowtrack.Tuple) []uint32 {
	return slices.DeleteFunc(slices.Clone(b.owners[side.Addr()]), func(node uint32) bool { return b.isHub(node, t) })
}

// isHub reports whether node is a hub of flow t.
func (b *books) isHub(node uint32, t flowtrack.Tuple) bool {
	e := b.accounts[account{node, t}]
	return e != nil && e.transit
}
