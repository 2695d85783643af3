package tunstats

import "sync"

// shard holds a part of the counters of a direction, with its own lock, so that goroutines need not wait
// for each other. A flow may have entries in several shards, which an extraction adds up.
type shard struct {
	mu sync.Mutex // guards the fields below

	paused      bool   // packets are not counted
	window             // the counters since the last extraction
	folded      uint64 // number of folded packets; never reset
	undecodable uint64 // number of undecodable packets; never reset

	_ [64]byte // keeps the next shard out of the same cache line
}

// window holds the counters of a shard between two extractions.
type window struct {
	table table // keys in the direction of the packets
	zero  tally // the counters of the zero Tuple
}

// countLocked counts packets of together size bytes with key k and hash h.
func (sh *shard) countLocked(c *counter, d direction, k *key, h uint64, packets, size int) {
	if sh.paused {
		return
	}
	if e := sh.table.find(k, h); e != nil {
		e.add(packets, size)
		return
	}
	sh.newFlowLocked(c, d, k, packets).add(packets, size)
}

// newFlowLocked returns the counters for packets of a flow that has no entry in the shard.
func (sh *shard) newFlowLocked(c *counter, d direction, k *key, packets int) *tally {
	if k.meta == 0 {
		sh.undecodable = add(sh.undecodable, uint64(packets))
		return &sh.zero
	}
	own := d.orient(k)
	flow, as, ok := c.registry.admit(&own, &c.seeds)
	if !ok || as != own {
		sh.folded = add(sh.folded, uint64(packets))
	}
	if !ok {
		return &sh.zero
	}
	as = d.orient(&as)
	h := c.seeds.hash(&as)
	e := sh.table.find(&as, h) // folded flows may have one
	if e == nil {
		e = sh.table.insert(&as, h, flow, &c.seeds)
	}
	return &e.tally
}
