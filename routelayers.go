package netlog

import "slices"

// depths counts for some address the distinct prefixes of each label that hold it.
type depths [numLabels]int

// public reports whether the address is one that the internet routes to a host.
func (d *depths) public() bool {
	return d[labelUnicast] > 0 && d[labelReserved] == 0 && d[labelPrivate] == 0
}

// kind returns what the configuration says of the address, where routed tells
// whether a route to it counts.
func (d *depths) kind(routed bool) addrKind {
	known := d[labelOwn] > 0 ||
		d[labelPrivate] > 0 && (d[labelRoute] > 0 || d[labelOwnNet] > 0) ||
		routed && d[labelNever] == 0
	switch {
	case !known:
		return addrUnknown
	case d[labelNode] > 0, d[labelOwnNet] > 0, d[labelTailnet] > 0 && d[labelGuest] == 0:
		return addrNode
	}
	return addrSubnet
}

// pieces calls visit for the address space from its begin to its end, in pieces of
// which all addresses have the same depths: where a piece begins and how many
// addresses it has. The last one's size is given as zero, as nothing public is in it.
func (lay *layout) pieces(visit func(first, size uint128, d *depths)) {
	var first uint128
	var d depths
	for _, e := range lay.edges {
		if e.at != first {
			visit(first, e.at.sub(first), &d)
			first = e.at
		}
		d[e.label] += int(e.step)
	}
	visit(first, uint128{}, &d)
}

// countingLayer returns the first layer of routes that is not a default route,
// see [RouteConfig]. Because only the number of prefixes that hold an address
// matters, a route in pieces is the same as the whole one.
func (lay *layout) countingLayer() int {
	var public []uint128 // by depth: the public addresses that so many routes hold
	lay.pieces(func(_, size uint128, d *depths) {
		n := d[labelRoute]
		for len(public) <= n {
			public = append(public, uint128{})
		}
		if d.public() {
			public[n] = public[n].add(size)
		}
	})
	// From the innermost layer outwards, as each is a part of the one around it.
	var sum uint128
	for layer := len(public) - 1; layer >= 1; layer-- {
		sum = sum.add(public[layer])
		if lay.family.maxPublic().less(sum) {
			return layer + 1
		}
	}
	return 1
}

// nested is a piece of the routes inside a default route.
type nested struct {
	first, last uint128
	depth       int // of routes
	counts      bool
}

// nestedFrom returns the pieces in the given layer and deeper, and which of them
// count. Layers before it are default routes.
func (lay *layout) nestedFrom(layer int) []*nested {
	var all []*nested
	lay.pieces(func(first, size uint128, d *depths) {
		if d[labelRoute] >= layer {
			last := first.add(size).sub(uint128{lo: 1})
			if size == (uint128{}) {
				last = lay.family.last()
			}
			all = append(all, &nested{first: first, last: last, depth: d[labelRoute]})
		}
	})
	settle(slices.Clone(all), layer)
	return all
}

// settle decides which of all, the pieces of a layer in order, count: those that
// say more than the default route around them. The routes of two peers that both
// lead to the internet, each around a hole of its own, overlap nearly everywhere,
// and in the end in small prefixes but for their holes. So in a prefix that is
// filled by more than half, but not whole, they are the default route again, and
// only the layer below may count. It reorders all.
func settle(all []*nested, layer int) {
	if len(all) == 0 {
		return
	}
	bits := all[0].first.xor(all[len(all)-1].last).len() // behind the smallest prefix around all
	begin := all[0].first.shr(bits).shl(bits)
	end := begin.add(uint128{lo: 1}.shl(bits))
	half := uint128{lo: 1}.shl(max(bits-1, 0))
	var holes uint128
	next := begin
	for _, p := range all {
		holes = holes.add(p.first.sub(next))
		next = p.last.add(uint128{lo: 1})
	}
	holes = holes.add(end.sub(next))
	switch {
	case holes == uint128{}:
		for _, p := range all {
			p.counts = true
		}
	case holes.less(half):
		settle(slices.DeleteFunc(all, func(p *nested) bool { return p.depth == layer }), layer+1)
	default:
		middle := begin.add(half)
		n := slices.IndexFunc(all, func(p *nested) bool { return !p.first.less(middle) })
		settle(all[:n], layer)
		settle(all[n:], layer)
	}
}

// spans calls add for each span of the table, in order.
func (lay *layout) spans(add func(span6)) {
	layer := lay.countingLayer()
	var inside []*nested // of a default route, those not passed yet
	if layer > 1 {
		inside = lay.nestedFrom(layer)
	}
	last := addrKind(0xff) // no kind, so that the first piece begins a span
	lay.pieces(func(first, _ uint128, d *depths) {
		routed := d[labelRoute] >= layer
		if routed && layer > 1 {
			routed, inside = inside[0].counts, inside[1:]
		}
		if k := d.kind(routed); k != last {
			last = k
			add(span6{first, k})
		}
	})
}
