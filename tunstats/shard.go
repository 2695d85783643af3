package tunstats

import "sync"

// shard is a part of the counters behind a lock of its own: what one goroutine
// counts in one direction, so that goroutines do not wait for each other. A
// flow may have an entry in several shards; an extraction adds them up.
type shard struct {
	mu sync.Mutex // guards the fields below

	paused bool // nothing is counted
	window
	folded      uint64 // packets, never reset
	undecodable uint64 // packets, never reset

	_ [64]byte // keeps neighbours off the cache line
}

// window is what a shard counted since the last extraction.
type window struct {
	table table
	zero  tally // under the zero Tuple
}

// tally counts packets and bytes of one direction. It saturates.
type tally struct{ packets, bytes uint64 }

func (t *tally) add(bytes int) {
	t.packets = add(t.packets, 1)
	t.bytes = add(t.bytes, uint64(bytes))
}

// count adds a packet of n bytes to the flow k, the hash of which is h. The
// caller holds mu.
func (sh *shard) countLocked(c *counter, k *key, h uint64, n int, rx bool) {
	if sh.paused {
		return
	}
	e := sh.table.find(k, h)
	if e == nil {
		if e = sh.firstLocked(c, *k, h, rx); e == nil {
			sh.zero.add(n)
			return
		}
	}
	e.packets = add(e.packets, 1)
	e.bytes = add(e.bytes, uint64(n))
}

// firstLocked returns the slot for a packet of a flow that the shard has no entry
// for, or nil where the packet counts under the zero Tuple.
func (sh *shard) firstLocked(c *counter, k key, h uint64, rx bool) *entry {
	if k == (key{}) {
		sh.undecodable = add(sh.undecodable, 1)
		return nil
	}
	if rx {
		k = k.reversed()
	}
	flow, as, ok := c.registry.admit(k, &c.seeds)
	if !ok {
		sh.folded = add(sh.folded, 1)
		return nil
	}
	if as != k {
		sh.folded = add(sh.folded, 1)
	}
	if rx {
		as = as.reversed()
	}
	h = c.seeds.hash(&as)
	if e := sh.table.find(&as, h); e != nil {
		return e
	}
	return sh.table.insert(as, flow, h, &c.seeds)
}
