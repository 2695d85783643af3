package route

import "slices"

// depths counts, for one address, the distinct prefixes of each label that contain it.
type depths [numLabels]int

// public reports whether the internet routes the address to a host.
func (d *depths) public() bool {
	return d[labelUnicast] > 0 && d[labelReserved] == 0 && d[labelPrivate] == 0
}

// kind returns the kind of the address. routed says whether a route to it counts.
func (d *depths) kind(routed bool) Kind {
	known := d[labelOwn] > 0 ||
		d[labelPrivate] > 0 && (d[labelRoute] > 0 || d[labelOwnNet] > 0) ||
		routed && d[labelNever] == 0
	switch {
	case !known:
		return Unknown
	case d[labelNode] > 0, d[labelOwnNet] > 0, d[labelTailnet] > 0 && d[labelChromeOS] == 0:
		return Node
	}
	return Subnet
}

// pieces splits the address space into pieces whose addresses all have the same depths.
// It calls visit for each of them in order, with the first address and the number of
// addresses. The size of the last piece is given as zero; it has no public address.
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

// countingLayer returns the first layer of routes that is not a default route. Only
// the number of prefixes that contain an address matters, so a route in pieces is
// treated like the whole route.
func (lay *layout) countingLayer() int {
	var public []uint128 // number of public addresses by how many routes contain them
	lay.pieces(func(_, size uint128, d *depths) {
		n := d[labelRoute]
		for len(public) <= n {
			public = append(public, uint128{})
		}
		if d.public() {
			public[n] = public[n].add(size)
		}
	})
	// Go from the innermost layer outwards, since each layer contains the next.
	var sum uint128
	for layer := len(public) - 1; layer >= 1; layer-- {
		sum = sum.add(public[layer])
		if lay.family.maxPublic().less(sum) {
			return layer + 1
		}
	}
	return 1
}

// nested is a piece of the routes that lie inside a default route.
type nested struct {
	first, last uint128
	depth       int // of routes
	counts      bool
}

// nestedFrom returns the pieces in the given layer and below it, and decides which of
// them count. The layers above it are default routes.
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

// settle decides which pieces of a layer count: those that are more specific than the
// default route around them. all holds the pieces in order, and settle reorders it.
//
// Two peers that both lead to the internet, each with a list that leaves out other
// prefixes, overlap nearly everywhere. The overlap is then a default route again, down
// to small prefixes around what each list leaves out. So the pieces in a prefix that
// they fill by more than half, but not wholly, do not count, and settle looks at the
// next layer in it.
func settle(all []*nested, layer int) {
	if len(all) == 0 {
		return
	}
	bits := all[0].first.xor(all[len(all)-1].last).len() // host bits of the smallest prefix around all pieces
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

// spans calls add for each span of the table in order.
func (lay *layout) spans(add func(span6)) {
	layer := lay.countingLayer()
	var inside []*nested // those still ahead, if there is a default route
	if layer > 1 {
		inside = lay.nestedFrom(layer)
	}
	last := Kind(0xff) // not a Kind, so the first piece begins a span
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
