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
	zero  entry // the counters of the zero Tuple
}

// newFlowLocked returns the entry for p, whose flow has none in the shard.
func (sh *shard) newFlowLocked(c *counter, d direction, p *packet) *entry {
	if p.meta == 0 {
		sh.undecodable = add(sh.undecodable, p.packets)
		return &sh.zero
	}
	own := d.orient(&p.key)
	flow, as, ok := c.registry.admit(&own, &c.seeds)
	if !ok || as != own {
		sh.folded = add(sh.folded, p.packets)
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
	return e
}
