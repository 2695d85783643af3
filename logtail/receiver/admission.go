package receiver

import (
	"net/netip"
	"sync"

	"github.com/go-netlog/netlog/internal/hosts"
	"github.com/go-netlog/netlog/logtail"
)

// maxHeld is the number of requests of one node that may be in memory. An uploader sends one at a
// time.
const maxHeld = 8

// admission limits the requests in memory. A quota cannot do this, because a body can arrive
// slowly and is charged only when it is complete.
type admission struct {
	// mu guards the fields below.
	mu      sync.Mutex
	senders map[logtail.PublicID]*sender
	all     pool
	unknown pool // of requests with unknown IDs, which anyone can invent
}

// sender is an ID with requests in memory.
type sender struct {
	turn     chan struct{} // holds a token while a request of the ID is decompressed and stored
	requests int           // in memory; guarded by admission.mu
}

// admitted identifies a request in memory.
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
	adm := admitted{id: id, from: hosts.Network(remoteAddr), unknown: !known}
	a.mu.Lock()
	defer a.mu.Unlock()
	adm.sender = a.senders[id]
	switch {
	case adm.sender != nil && adm.requests == maxHeld:
		return admitted{}, errManyOfNode
	case !a.all.free(adm.from), adm.unknown && !a.unknown.free(adm.from):
		return admitted{}, errManyRequests
	}
	if adm.sender == nil {
		adm.sender = &sender{turn: make(chan struct{}, 1)}
		a.senders[id] = adm.sender
	}
	adm.requests++
	a.all.add(adm.from, 1)
	if adm.unknown {
		a.unknown.add(adm.from, 1)
	}
	return adm, nil
}

// release ends the admission of a request.
func (a *admission) release(adm admitted) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if adm.requests--; adm.requests == 0 {
		delete(a.senders, adm.id)
	}
	a.all.add(adm.from, -1)
	if adm.unknown {
		a.unknown.add(adm.from, -1)
	}
}

// pool limits the number of requests, in total and by address. An address may have no more requests
// than there are free places. So it gets half of an otherwise empty pool, and one machine cannot
// shut out the others. All nodes behind a proxy share its address.
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
