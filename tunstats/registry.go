package tunstats

import "sync"

// registry says which flows one extraction keeps apart, over all shards and both
// directions, and numbers them. It is asked when a shard meets a flow for the
// first time, not for every packet.
type registry struct {
	max int // flows kept apart; a quarter more may stand for folded ones; immutable

	mu    sync.Mutex // guards the field below
	flows table      // in the direction of Tx; nothing is counted here
}

// admit returns the number of k and the key that it counts under: k itself while
// there is room, then k without ports, then !ok for the zero Tuple.
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

// numberLocked returns the number of k, which gets one while fewer than bound are taken.
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

// take empties the registry and returns its flows in the order of their numbers.
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
