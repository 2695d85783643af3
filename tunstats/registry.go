package tunstats

import "sync"

// DefaultMaxFlows is the number of flows of one extraction where MaxFlows is zero.
const DefaultMaxFlows = 16384

// registry says which flows one extraction keeps apart, over all tables and
// both directions. It is asked once per flow and table, not per packet.
type registry struct {
	mu sync.Mutex // guards the fields below

	max   int      // flows kept apart; a quarter more may stand for folded ones
	flows []key    // in the direction of Tx, by number
	index []uint32 // open addressing: number+1 of a flow, 0 for a free slot
}

// admit returns the number of k, and the key that it is counted under: k itself,
// k without ports, or !ok where it must be the zero key.
func (r *registry) admit(k key, s *seeds) (n uint32, as key, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n, ok = r.number(&k, r.max, s); ok {
		return n, k, true
	}
	k = k.withoutPorts()
	if n, ok = r.number(&k, r.max+r.max/4, s); ok {
		return n, k, true
	}
	return 0, key{}, false
}

// number returns the number of k, which it gives it where there are fewer than
// bound flows.
func (r *registry) number(k *key, bound int, s *seeds) (uint32, bool) {
	if len(r.flows) >= len(r.index)/4*3 {
		r.grow(s)
	}
	slot := r.slot(k, s)
	if *slot != 0 {
		return *slot - 1, true
	}
	if len(r.flows) >= bound {
		return 0, false
	}
	r.flows = append(r.flows, *k)
	*slot = uint32(len(r.flows))
	return *slot - 1, true
}

// slot returns the slot of k, or the free one where it belongs.
func (r *registry) slot(k *key, s *seeds) *uint32 {
	mask := uint64(len(r.index) - 1)
	for i := s.hash(k) & mask; ; i = (i + 1) & mask {
		if n := r.index[i]; n == 0 || r.flows[n-1].equal(k) {
			return &r.index[i]
		}
	}
}

func (r *registry) grow(s *seeds) {
	r.index = make([]uint32, max(minSlots, 2*len(r.index)))
	for n := range r.flows {
		*r.slot(&r.flows[n], s) = uint32(n + 1)
	}
}

// take empties the registry and returns its flows by number.
func (r *registry) take() []key {
	r.mu.Lock()
	defer r.mu.Unlock()
	flows := r.flows
	r.flows, r.index = nil, nil
	return flows
}

// len returns the number of flows.
func (r *registry) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.flows)
}
