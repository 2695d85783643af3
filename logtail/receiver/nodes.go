package receiver

import (
	"container/list"
	"sync"
	"time"

	"github.com/go-netlog/netlog/logtail"
)

// Bounds of the table of nodes.
const (
	maxNodes   = 1 << 16 // nodes, at about 300 bytes
	maxStreams = 4       // of a node
	maxSlots   = 1 << 22 // of all streams, 64 MiB
)

// node holds the state that the Handler keeps of one ID.
type node struct {
	id logtail.PublicID

	// streams is owned by the request that has entered. If there is none, nodes.mu guards
	// it. The last stream is the one that was used last.
	streams []*stream

	// nodes.mu guards the fields below.
	busy  bool // a request has entered
	slots int  // in streams
	quota bucket
	elem  *list.Element // of nodes.order
}

// stream remembers the entries that one process of a node sent to one collection.
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
	order *list.List // of *node; the first is the one that was used last
	newID bucket     // the allowance for new IDs
	slots int        // in all streams
}

// newNodes returns an empty table.
func newNodes(l Limits, now time.Time) *nodes {
	return &nodes{
		limits: l,
		byID:   make(map[logtail.PublicID]*node),
		order:  list.New(),
		newID:  newBucket(float64(l.MaxNewIDsPerHour), now),
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
		return t.newID.wait(now), false
	}
	return n.quota.wait(now), true
}

// enter returns the node of id, or how long the node must wait. The caller holds the turn of the
// sender, and owns the streams of the node until leave.
func (t *nodes) enter(id logtail.PublicID, now time.Time) (*node, time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.byID[id]
	if n == nil {
		if wait := t.newID.wait(now); wait > 0 {
			return nil, wait
		}
		n = t.addLocked(id, now)
	}
	if wait := n.quota.wait(now); wait > 0 {
		return nil, wait
	}
	n.busy = true
	t.order.MoveToFront(n.elem)
	return n, 0
}

// leave ends what enter began, and takes cost bytes from the quota of n. The quota may become
// negative.
func (t *nodes) leave(n *node, cost int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n.quota.left -= float64(cost)
	n.busy = false
}

// addLocked adds a node. If the table is full, it removes the node that was silent the longest.
func (t *nodes) addLocked(id logtail.PublicID, now time.Time) *node {
	t.newID.left--
	n := &node{id: id, quota: newBucket(float64(t.limits.MaxBytesPerHour), now)}
	n.elem = t.order.PushFront(n)
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

// forgetLocked frees the streams of n, which is not busy.
func (t *nodes) forgetLocked(n *node) {
	t.slots -= n.slots
	n.streams, n.slots = nil, 0
}

// stream returns the stream of a process and collection, with room for size entries. The caller has
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
			n.streams[0].slots = nil // for undo.revert, and to free it if an undo refers to the stream
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

// account adds to the number of slots of n and of all nodes. If there are too many, it frees a quarter
// of them, so that this is rare. The nodes with the most slots lose theirs first, so that a node
// that fills the table harms itself. Of nodes with equally many, those that were silent the
// longest lose theirs first.
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
