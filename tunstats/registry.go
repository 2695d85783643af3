package tunstats

import "sync"

// registry numbers the flows that are counted separately until the next extraction, for all shards and both
// directions. A shard uses it only for the first packet of a flow.
type registry struct {
	max int // number of flows, to which a quarter is added for folded flows; immutable

	mu    sync.Mutex // guards the field below
	flows table      // keys in the direction of Tx; their counters are not used
}

// admit returns the key under which k is counted, and its number: k itself if there is room, otherwise k
// without ports. If there is no room for that either, ok is false, which means the zero Tuple.
func (r *registry) admit(k *key, s *seeds) (flow uint32, as key, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if flow, ok = r.numberLocked(k, r.max, s); ok {
		return flow, *k, true
	}
	as = k.withoutPorts()
	flow, ok = r.numberLocked(&as, r.max+r.max/4, s)
	return flow, as, ok
}

// numberLocked returns the number of k. A new key gets a number if fewer than bound are in use.
func (r *registry) numberLocked(k *key, bound int, s *seeds) (flow uint32, ok bool) {
	h := s.hash(k)
	if e := r.flows.find(k, h); e != nil {
		return e.flow, true
	}
	n := len(r.flows.entries)
	if n >= bound {
		return 0, false
	}
	r.flows.insert(k, h, uint32(n), s)
	return uint32(n), true
}

// take returns the flows in the order of their numbers, and empties the registry.
func (r *registry) take() []entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	flows := r.flows.entries
	r.flows = table{}
	return flows
}

// size returns the number of flows.
func (r *registry) size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.flows.entries)
}
