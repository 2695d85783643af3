package tunstats

import (
	"math/rand/v2"

	"github.com/go-netlog/netlog/flowtrack"
)

// shards is how many goroutines can count one direction without waiting.
const shards = 8

// counter is the state behind a Statistics, made when its first packet arrives.
type counter struct {
	seeds    seeds // immutable
	registry registry
	tx, rx   [shards]shard
}

func newCounter(maxFlows int) *counter {
	c := new(counter)
	for i := range c.seeds {
		c.seeds[i] = rand.Uint64()
	}
	if c.registry.max = maxFlows; maxFlows <= 0 {
		c.registry.max = DefaultMaxFlows
	}
	return c
}

// lock returns a shard that nobody else is using, locked. The one to try first
// follows from h, what is left is a matter of luck.
func lock(s *[shards]shard, h uint64) *shard {
	first := h >> 61
	for i := range uint64(shards) {
		if sh := &s[(first+i)%shards]; sh.mu.TryLock() {
			return sh
		}
	}
	sh := &s[first]
	sh.mu.Lock()
	return sh
}

// update counts one packet.
func (c *counter) update(s *[shards]shard, pkt []byte, rx bool) {
	if len(pkt) == 0 {
		return
	}
	k := parse(pkt)
	h := c.seeds.hash(&k)
	sh := lock(s, h)
	sh.countLocked(c, &k, h, len(pkt), rx)
	sh.mu.Unlock()
}

// pause makes the shards ignore packets, or count them again. Once it has
// returned, no packet is between the test of paused and its counting.
func (c *counter) pause(paused bool) {
	for _, s := range c.directions() {
		for i := range s {
			s[i].mu.Lock()
			s[i].paused = paused
			s[i].mu.Unlock()
		}
	}
}

func (c *counter) directions() [2]*[shards]shard { return [...]*[shards]shard{&c.tx, &c.rx} }

// extract empties the counters and returns what they held.
func (c *counter) extract() map[flowtrack.Tuple]Counts {
	tx, rx, flows := c.take()
	sums := make([]Counts, len(flows))
	var zero Counts
	for i := range shards {
		for j := range tx[i].table.slots {
			if e := &tx[i].table.slots[j]; e.packets != 0 {
				sums[e.flow] = sums[e.flow].Add(Counts{TxPackets: e.packets, TxBytes: e.bytes})
			}
		}
		for j := range rx[i].table.slots {
			if e := &rx[i].table.slots[j]; e.packets != 0 {
				sums[e.flow] = sums[e.flow].Add(Counts{RxPackets: e.packets, RxBytes: e.bytes})
			}
		}
		zero = zero.Add(Counts{tx[i].zero.packets, tx[i].zero.bytes, rx[i].zero.packets, rx[i].zero.bytes})
	}
	if zero != (Counts{}) {
		flows, sums = append(flows, key{}), append(sums, zero)
	}
	if len(flows) == 0 {
		return nil
	}
	m := make(map[flowtrack.Tuple]Counts, len(flows))
	for i, k := range flows {
		m[k.tuple()] = sums[i]
	}
	return m
}

// take empties the counters under all locks at once: the numbers in the tables
// are those of one registry. The work with what it returns needs no lock.
func (c *counter) take() (tx, rx [shards]window, flows []key) {
	for _, s := range c.directions() {
		for i := range s {
			s[i].mu.Lock()
			defer s[i].mu.Unlock()
		}
	}
	for i := range shards {
		tx[i], c.tx[i].window = c.tx[i].window, window{}
		rx[i], c.rx[i].window = c.rx[i].window, window{}
	}
	return tx, rx, c.registry.take()
}

func (c *counter) stats() Stats {
	s := Stats{Flows: c.registry.len()}
	zero := false
	for _, d := range c.directions() {
		for i := range d {
			d[i].mu.Lock()
			s.FoldedPackets = add(s.FoldedPackets, d[i].folded)
			s.UndecodablePackets = add(s.UndecodablePackets, d[i].undecodable)
			zero = zero || d[i].zero.packets != 0
			d[i].mu.Unlock()
		}
	}
	if zero {
		s.Flows++
	}
	return s
}
