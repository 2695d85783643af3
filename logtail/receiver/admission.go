package receiver

import (
	"net/netip"
	"sync"

	"github.com/go-netlog/netlog/logtail"
)

// maxHeld is the number of requests of a node that may be in memory. An uploader sends one at a
// time.
const maxHeld = 8

// admission decides which requests may be in memory. It bounds them because a sender can send a
// body as slowly as it likes, and pays for it only afterwards.
type admission struct {
	// mu guards the fields below.
	mu      sync.Mutex
	senders map[logtail.PublicID]*sender
	all     pool
	unknown pool // for unknown IDs, which anyone can make up
}

// sender is an ID with requests in memory.
type sender struct {
	// turn holds a token while a request of the ID is decompressed and stored.
	turn     chan struct{}
	requests int // in memory; guarded by admission.mu
}

// admitted is a request that may be in memory.
type admitted struct {
	id      logtail.PublicID
	from    netip.Addr
	unknown bool
	*sender
}

// newAdmission returns an admission for this many requests. At most half of them may have
// unknown IDs.
func newAdmission(requests int) *admission {
	return &admission{
		senders: make(map[logtail.PublicID]*sender),
		all:     newPool(requests),
		unknown: newPool(max(1, requests/2)),
	}
}

// admit admits a request until release, or returns the reason for refusing it.
func (a *admission) admit(id logtail.PublicID, remoteAddr string, known bool) (admitted, error) {
	g := admitted{id: id, from: network(remoteAddr), unknown: !known}
	a.mu.Lock()
	defer a.mu.Unlock()
	g.sender = a.senders[id]
	switch {
	case g.sender != nil && g.requests == maxHeld:
		return admitted{}, errManyOfNode
	case !a.all.free(g.from), g.unknown && !a.unknown.free(g.from):
		return admitted{}, errManyRequests
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

// release ends the admission of a request.
func (a *admission) release(g admitted) {
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

// pool limits the number of requests, in all and by address. An address may have no more requests
// than it leaves room for, so it gets half of an otherwise empty pool, and there is always
// room for another address. This keeps one machine from shutting out the others. All nodes
// behind a proxy share its address.
type pool struct {
	size, taken int
	byAddr      map[netip.Addr]int
}

func newPool(size int) pool { return pool{size: size, byAddr: make(map[netip.Addr]int)} }

// free reports whether there is room for a request from addr.
func (p *pool) free(addr netip.Addr) bool { return p.byAddr[addr] < p.size-p.taken }

// add adds n requests from addr.
func (p *pool) add(addr netip.Addr, n int) {
	p.taken += n
	if p.byAddr[addr] += n; p.byAddr[addr] == 0 {
		delete(p.byAddr, addr)
	}
}

// network returns the address in the RemoteAddr of a request. For IPv6 it returns the /64, since
// one machine can use any address in it. If there is no address, as on a Unix socket, it
// returns the zero Addr.
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
