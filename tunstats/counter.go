package tunstats

import (
	"math/rand/v2"
	"sync/atomic"

	"github.com/go-netlog/netlog/flowtrack"
)

// direction is the direction of a packet, and the index of its shards.
type direction int

const (
	tx direction = iota
	rx
)

// orient converts a key between direction d and Tx.
func (d direction) orient(k *key) key {
	if d == rx {
		return k.reversed()
	}
	return *k
}

// shards is the number of goroutines that can count one direction at once. A batch locks its
// shard for a microsecond or two, and writing it to the tunnel takes far longer, so four shards
// serve many processors. More would cost memory, since each shard may hold all flows.
const (
	shardBits = 2
	shards    = 1 << shardBits
)

// counter holds the state of a Statistics. It is allocated on the first packet.
//
// The shards are locked in order, and before the registry.
type counter struct {
	seeds    seeds // immutable
	registry registry
	shards   [2][shards]shard // by direction

	wake  func()      // may be nil; written with all shards locked, read with one locked
	armed atomic.Bool // the next packet calls wake; set with all shards locked
}

func newCounter(maxFlows int) *counter {
	c := new(counter)
	for i := range c.seeds {
		c.seeds[i] = rand.Uint64()
	}
	if maxFlows <= 0 {
		maxFlows = DefaultMaxFlows
	}
	c.registry.max = maxFlows
	return c
}

// count counts packets, together of the given bytes, in sh and returns sh. The first of them begins
// with head. If sh is nil, it chooses and locks a shard, so that a batch locks only once. The
// caller unlocks it.
func (c *counter) count(d direction, sh *shard, head []byte, packets, bytes int) *shard {
	p := packet{packets: uint64(packets), bytes: uint64(bytes)}
	switch version(head) { // here, because the call of a function would take 5 % more time
	case 4:
		parse4(&p, head)
	case 6:
		parse6(&p, head)
	}
	h := c.seeds.hash(&p.key)
	if sh == nil {
		sh = c.lock(d, &p.key)
	}
	if sh.paused {
		return sh
	}
	if e := sh.table.find(&p.key, h); e != nil {
		e.add(&p)
		return sh
	}
	sh.newFlowLocked(c, d, &p).add(&p)
	c.notify(sh)
	return sh
}

// lock locks and returns a shard of d that is not in use. The packets of a goroutine mostly have
// the same source: its peer in Rx and this node in Tx. Choosing the shard by that address gives
// each goroutine its own shard, and each flow one shard. If two goroutines choose the same
// shard, one uses the next instead of waiting.
func (c *counter) lock(d direction, k *key) *shard {
	s := &c.shards[d]
	first := (k.srcHi ^ k.srcLo) * (c.seeds[0] | 1) >> (64 - shardBits)
	for i := range uint64(shards) {
		if sh := &s[(first+i)%shards]; sh.mu.TryLock() {
			return sh
		}
	}
	s[first].mu.Lock()
	return &s[first]
}

// pause makes the shards ignore packets, or count them again. It applies to all packets from
// its return on.
func (c *counter) pause(paused bool) {
	c.each(func(_ direction, sh *shard) {
		sh.mu.Lock()
		sh.paused = paused
		sh.mu.Unlock()
	})
}

func (c *counter) each(f func(d direction, sh *shard)) {
	for d := range c.shards {
		for i := range c.shards[d] {
			f(direction(d), &c.shards[d][i])
		}
	}
}

// extract returns the counters and resets them.
func (c *counter) extract() map[flowtrack.Tuple]Counts {
	flows, windows := c.take()
	var zero Counts
	sums := make([]Counts, len(flows))
	for d := range windows {
		for i := range windows[d] {
			w := &windows[d][i]
			w.zero.addTo(&zero, direction(d))
			for j := range w.table.entries {
				e := &w.table.entries[j]
				e.addTo(&sums[e.flow], direction(d))
			}
		}
	}
	if len(flows) == 0 && zero == (Counts{}) {
		return nil
	}
	m := make(map[flowtrack.Tuple]Counts, len(flows)+1)
	for i := range flows {
		m[flows[i].key.tuple()] = sums[i]
	}
	if zero != (Counts{}) {
		m[flowtrack.Tuple{}] = zero
	}
	return m
}

// take takes the contents of the registry and the shards. It holds all locks at once, because
// the tables refer to entries of the registry. The results need no lock.
func (c *counter) take() (flows []entry, windows [2][shards]window) {
	c.lockAll()
	defer c.unlockAll()
	c.armed.Store(c.wake != nil && c.emptyLocked())
	for d := range c.shards {
		for i := range c.shards[d] {
			sh := &c.shards[d][i]
			windows[d][i], sh.window = sh.window, window{}
		}
	}
	return c.registry.take(), windows
}

func (c *counter) lockAll()   { c.each(func(_ direction, sh *shard) { sh.mu.Lock() }) }
func (c *counter) unlockAll() { c.each(func(_ direction, sh *shard) { sh.mu.Unlock() }) }

func (c *counter) stats() Stats {
	s := Stats{Flows: c.registry.size()}
	zero := false
	c.each(func(_ direction, sh *shard) {
		sh.mu.Lock()
		defer sh.mu.Unlock()
		s.FoldedPackets = add(s.FoldedPackets, sh.folded)
		s.UndecodablePackets = add(s.UndecodablePackets, sh.undecodable)
		zero = zero || sh.zero.packets != 0
	})
	if zero {
		s.Flows++
	}
	return s
}
