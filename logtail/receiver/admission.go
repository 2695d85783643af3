package receiver

import (
	"net/netip"
	"sync"

	"github.com/go-netlog/netlog/logtail"
)

// maxHeld is how many requests of a node are in memory; an uploader sends one at a time.
const maxHeld = 8

// admission says which requests may be in memory. Their bodies come as slowly as their
// senders like, and nothing has been charged by then.
type admission struct {
	// mu guards the fields below.
	mu      sync.Mutex
	senders map[logtail.PublicID]*sender
	all     pool
	unknown pool // for IDs that are not known: anyone can make those up
}

// A sender is an ID with requests in memory.
type sender struct {
	// turn holds a token while a request of the ID is unpacked and stored.
	turn     chan struct{}
	requests int // in memory; admission.mu guards it
}

// A guest is a request that was admitted.
type guest struct {
	id      logtail.PublicID
	from    netip.Addr
	unknown bool
	*sender
}

// newAdmission returns one for so many requests. At most half of them have IDs that are
// not known.
func newAdmission(requests int) *admission {
	return &admission{
		senders: make(map[logtail.PublicID]*sender),
		all:     newPool(requests),
		unknown: newPool(max(1, requests/2)),
	}
}

// enter admits a request until leave, or says why not.
func (a *admission) enter(id logtail.PublicID, remoteAddr string, known bool) (guest, error) {
	g := guest{id: id, from: network(remoteAddr), unknown: !known}
	a.mu.Lock()
	defer a.mu.Unlock()
	g.sender = a.senders[id]
	switch {
	case g.sender != nil && g.requests == maxHeld:
		return guest{}, errManyOfNode
	case !a.all.free(g.from), g.unknown && !a.unknown.free(g.from):
		return guest{}, errManyRequests
	}
	if g.sender == nil {
		g.sender = &sender{turn: make(chan struct{}, 1)}
		a.senders[id] = g.sender
	}
	g.requests++
	a.all.add(g.from, 1)
	if g.unknown {
		a.unknown.add(g.from, 1)
	}
	return g, nil
}

// leave ends what enter began.
func (a *admission) leave(g guest) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if g.requests--; g.requests == 0 {
		delete(a.senders, g.id)
	}
	a.all.add(g.from, -1)
	if g.unknown {
		a.unknown.add(g.from, -1)
	}
}

// A pool is a number of places. An address gets no more of them than it leaves free: half
// where it is alone, and there is always one left for the next. That keeps one machine
// from shutting out the others, and a proxy, whose nodes have all its address, has half.
type pool struct {
	size, taken int
	byAddr      map[netip.Addr]int
}

func newPool(size int) pool { return pool{size: size, byAddr: make(map[netip.Addr]int)} }

// free reports whether there is a place for addr.
func (p *pool) free(addr netip.Addr) bool { return p.byAddr[addr] < p.size-p.taken }

// add takes n places for addr.
func (p *pool) add(addr netip.Addr, n int) {
	p.taken += n
	if p.byAddr[addr] += n; p.byAddr[addr] == 0 {
		delete(p.byAddr, addr)
	}
}

// network returns the address in the RemoteAddr of a request, of IPv6 its /64, in which
// one machine can have any. All that have none, as on a Unix socket, are as one.
func network(remoteAddr string) netip.Addr {
	ap, err := netip.ParseAddrPort(remoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := ap.Addr().Unmap().WithZone("")
	if addr.Is6() {
		return netip.PrefixFrom(addr, 64).Masked().Addr()
	}
	return addr
}
