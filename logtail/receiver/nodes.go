package receiver

import (
	"container/list"
	"sync"
	"time"

	"github.com/go-netlog/netlog/logtail"
)

// Bounds on what the table of nodes holds.
const (
	maxNodes   = 1 << 16 // nodes, at about 300 bytes
	maxStreams = 4       // of a node, the latest ones
	maxSlots   = 1 << 22 // of all streams together: 64 MiB
)

// node is what the Handler remembers of one ID.
type node struct {
	id logtail.PublicID

	// The request that has entered owns the streams, and nodes.mu guards them while
	// there is none.
	streams []*stream // latest used last

	// nodes.mu guards the fields below.
	busy  bool // a request has entered
	slots int  // of its streams
	quota bucket
	place *list.Element
}

// A stream is what one process of a node sends to one collection.
type stream struct {
	collection string
	proc       uint32
	seen
}

// nodes is the table of known IDs, bounded in memory.
type nodes struct {
	limits Limits // immutable

	// mu guards the fields below.
	mu    sync.Mutex
	byID  map[logtail.PublicID]*node
	order *list.List // of *node, the latest used first
	fresh bucket     // for new IDs
	slots int        // of all streams
}

// newNodes returns an empty table.
func newNodes(l Limits, now time.Time) *nodes {
	return &nodes{
		limits: l,
		byID:   make(map[logtail.PublicID]*node),
		order:  list.New(),
		fresh:  newBucket(float64(l.MaxNewIDsPerHour), now),
	}
}

// len returns the number of known IDs.
func (t *nodes) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byID)
}

// overQuota returns how long the node of id must wait before its next request, and whether
// the node is known.
func (t *nodes) overQuota(id logtail.PublicID, now time.Time) (wait time.Duration, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.byID[id]
	if n == nil {
		return t.fresh.wait(now), false
	}
	return n.quota.wait(now), true
}

// enter returns the node of id, which the caller owns until leave, or how long the node must
// wait. The caller has the turn of the sender.
func (t *nodes) enter(id logtail.PublicID, now time.Time) (*node, time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.byID[id]
	if n == nil {
		if wait := t.fresh.wait(now); wait > 0 {
			return nil, wait
		}
		n = t.addLocked(id, now)
	}
	if wait := n.quota.wait(now); wait > 0 {
		return nil, wait
	}
	n.busy = true
	t.order.MoveToFront(n.place)
	return n, 0
}

// leave ends what enter began. It takes cost bytes from the quota of n, of which less than
// nothing may be left then.
func (t *nodes) leave(n *node, cost int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n.quota.left -= float64(cost)
	n.busy = false
}

// addLocked adds a node, and forgets the one unused for longest where the table
// is full.
func (t *nodes) addLocked(id logtail.PublicID, now time.Time) *node {
	t.fresh.left--
	n := &node{id: id, quota: newBucket(float64(t.limits.MaxBytesPerHour), now)}
	n.place = t.order.PushFront(n)
	t.byID[id] = n
	if len(t.byID) > maxNodes {
		for e := t.order.Back(); e != nil; e = e.Prev() {
			if old := e.Value.(*node); old != n && !old.busy {
				t.forgetLocked(old)
				t.order.Remove(e)
				delete(t.byID, old.id)
				break
			}
		}
	}
	return n
}

// forgetLocked frees the streams of n, which nobody uses.
func (t *nodes) forgetLocked(n *node) {
	t.slots -= n.slots
	n.streams, n.slots = nil, 0
}

// stream returns the stream of n with room for size more entries. The caller has
// entered n.
func (t *nodes) stream(n *node, collection string, proc uint32, size int) *seen {
	added := 0
	at := len(n.streams) - 1
	for at >= 0 && (n.streams[at].proc != proc || n.streams[at].collection != collection) {
		at--
	}
	var s *stream
	if at >= 0 {
		s = n.streams[at]
		n.streams = append(n.streams[:at], n.streams[at+1:]...)
	} else {
		s = &stream{collection: collection, proc: proc}
		if len(n.streams) == maxStreams {
			added -= len(n.streams[0].slots)
			n.streams[0].slots = nil // an undo can have it still
			n.streams = append(n.streams[:0], n.streams[1:]...)
		}
	}
	n.streams = append(n.streams, s)
	added += s.grow(size)
	if added != 0 {
		t.account(n, added)
	}
	return &s.seen
}

// account adds to the number of slots, of n and in all. At the bound it frees those of
// the nodes that have most, among alike of those unused for longest: who fills the
// table empties his own memory first. A quarter goes at once, so that the walks are rare.
func (t *nodes) account(n *node, added int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n.slots += added
	t.slots += added
	if t.slots <= maxSlots {
		return
	}
	for least := maxSlots; least >= minSlots; least /= 2 {
		for e := t.order.Back(); e != nil; e = e.Prev() {
			if t.slots <= maxSlots*3/4 {
				return
			}
			if n := e.Value.(*node); !n.busy && n.slots >= least {
				t.forgetLocked(n)
			}
		}
	}
}
