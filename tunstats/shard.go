package tunstats

import "sync"

// shard is a part of the counters of one direction behind a lock of its own, so
// that goroutines need not wait for each other. A flow may have an entry in several
// shards; an extraction adds them up.
type shard struct {
	mu sync.Mutex // guards the fields below

	paused      bool   // nothing is counted
	window             // since the last extraction
	folded      uint64 // packets, never reset
	undecodable uint64 // packets, never reset

	_ [64]byte // keeps the next shard off this one's cache lines
}

// window is what a shard counted between two extractions.
type window struct {
	table table // keys in the direction of the packets
	zero  tally // of the zero Tuple
}

// countLocked counts a packet of n bytes with the key k, whose hash is h.
func (sh *shard) countLocked(c *counter, d direction, k *key, h uint64, n int) {
	if sh.paused {
		return
	}
	if e := sh.table.find(k, h); e != nil {
		e.add(n)
		return
	}
	sh.newFlowLocked(c, d, k).add(n)
}

// newFlowLocked returns where to count a packet of a flow without an entry here.
func (sh *shard) newFlowLocked(c *counter, d direction, k *key) *tally {
	if k.meta == 0 {
		sh.undecodable = add(sh.undecodable, 1)
		return &sh.zero
	}
	own := d.orient(k)
	flow, as, ok := c.registry.admit(&own, &c.seeds)
	if !ok || as != own {
		sh.folded = add(sh.folded, 1)
	}
	if !ok {
		return &sh.zero
	}
	as = d.orient(&as)
	h := c.seeds.hash(&as)
	e := sh.table.find(&as, h) // of folded flows there may be one
	if e == nil {
		e = sh.table.insert(&as, h, flow, &c.seeds)
	}
	return &e.tally
}
