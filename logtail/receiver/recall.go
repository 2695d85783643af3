package receiver

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/go-netlog/netlog/internal/rawjson"
	"github.com/go-netlog/netlog/logtail"
)

// Recaller is implemented by a [Sink] that can read what it has stored. The Handler then
// recognizes duplicates of entries that were stored before it was created. Without it, an entry
// that is sent again after a restart is stored twice.
type Recaller interface {
	// Recent returns the newest entries, with their collections, in any order. It ends after
	// about maxBytes bytes. Each entry is as it was passed to Store, and valid until the next
	// one. The Handler calls Recent once, when its first request arrives. It calls Store only
	// after that.
	Recent(maxBytes int64) iter.Seq2[string, []byte]
}

// Bounds of what is read before the first request.
const (
	recallBytes = 128 << 20
	recallTime  = 500 * time.Millisecond
	recallSlots = 1 << 15 // of a stream
)

// recall reads the newest entries of the Sink.
func (c *core) recall() {
	r, ok := c.sink.(Recaller)
	if !ok {
		return
	}
	h := history{seed: c.seed, nodes: make(map[logtail.PublicID]*oldNode)}
	start := time.Now()
	for collection, entry := range r.Recent(recallBytes) {
		h.add(collection, entry)
		if time.Since(start) > recallTime {
			break
		}
	}
	c.nodes.restore(&h, time.Now())
}

// history collects the entries that were stored before the Handler was created.
type history struct {
	seed    maphash.Seed
	members []rawjson.Member
	nodes   map[logtail.PublicID]*oldNode
}

// oldNode has the latest streams of a node, in any order.
type oldNode struct {
	id      logtail.PublicID
	streams []*oldStream // at most maxStreams
}

// oldStream has the entries of a stream, in any order.
type oldStream struct {
	collection string
	proc       uint32
	latest     time.Time // the server_time of the latest entry
	slots      []slot
}

// add adds an entry as it is stored. It ignores an entry without numbers, and one that the Handler
// did not write.
func (h *history) add(collection string, line []byte) {
	var e storedEntry
	if !e.parse(h, line) {
		return
	}
	n := h.nodes[e.id]
	if n == nil {
		n = &oldNode{id: e.id}
		h.nodes[e.id] = n
	}
	if s := n.stream(collection, e.proc, e.received); s != nil {
		s.slots = append(s.slots, slot{e.seq, hashContent(h.seed, e.before, e.after)})
	}
}

// stream returns the stream of an entry, or nil if n has maxStreams later ones.
func (n *oldNode) stream(collection string, proc uint32, received time.Time) *oldStream {
	for _, s := range n.streams {
		if s.proc == proc && s.collection == collection {
			if received.After(s.latest) {
				s.latest = received
			}
			return s
		}
	}
	s := &oldStream{collection: collection, proc: proc, latest: received}
	if len(n.streams) < maxStreams {
		n.streams = append(n.streams, s)
		return s
	}
	slices.SortFunc(n.streams, (*oldStream).compare)
	if received.Before(n.streams[0].latest) {
		return nil
	}
	n.streams[0] = s
	return s
}

// compare orders streams by their latest entry.
func (s *oldStream) compare(t *oldStream) int { return s.latest.Compare(t.latest) }

// restore adds the nodes of h, the latest first, to the table, which is empty. They get at most 3/4 of
// the slots.
func (t *nodes) restore(h *history, now time.Time) {
	var all []*oldNode
	for _, n := range h.nodes {
		slices.SortFunc(n.streams, (*oldStream).compare)
		all = append(all, n)
	}
	latest := func(n *oldNode) *oldStream { return n.streams[len(n.streams)-1] }
	slices.SortFunc(all, func(a, b *oldNode) int {
		return cmp.Or(latest(b).compare(latest(a)), bytes.Compare(a.id[:], b.id[:]))
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, old := range all[:min(len(all), maxNodes)] {
		n := &node{id: old.id, quota: newBucket(float64(t.limits.MaxBytesPerHour), now)}
		n.elem = t.order.PushBack(n)
		t.byID[n.id] = n
		for _, s := range old.streams {
			if t.slots > maxSlots*3/4-recallSlots {
				break
			}
			added := n.restore(s)
			n.slots += added
			t.slots += added
		}
	}
}

// restore adds a stream to n and returns the number of its slots.
func (n *node) restore(old *oldStream) int {
	slices.SortStableFunc(old.slots, func(a, b slot) int { return cmp.Compare(a.seq, b.seq) })
	s := &stream{collection: old.collection, proc: old.proc}
	size := s.grow(min(len(old.slots), recallSlots))
	for _, e := range old.slots {
		s.note(e.seq, e.hash)
	}
	n.streams = append(n.streams, s)
	return size
}

// storedEntry is the result of appendEntry, parsed.
type storedEntry struct {
	id            logtail.PublicID
	proc          uint32
	seq           uint64
	received      time.Time
	before, after []byte // for hashContent
}

// parse parses line, and reports whether appendEntry wrote it with both numbers.
func (e *storedEntry) parse(h *history, line []byte) bool {
	if !bytes.HasPrefix(line, []byte(storedStart)) {
		return false
	}
	s := rawjson.Scanner{Text: line, Pos: len(storedStart)}
	var err error
	if h.members, err = s.Object(h.members[:0], 1, rawjson.MaxMembers); err != nil {
		return false
	}
	e.after = line[s.Pos-1:]
	found := 0
	for _, m := range h.members {
		v := line[m.Value:m.End]
		var err error
		switch string(m.Name) {
		case "proc_id":
			var n uint64
			n, err = strconv.ParseUint(string(v), 10, 32)
			e.proc = uint32(n)
		case "proc_seq":
			e.seq, err = strconv.ParseUint(string(v), 10, 64)
		case "id":
			err = e.id.UnmarshalText(rawjson.Unquote(v))
			e.before = line[:m.Start]
		case "server_time":
			e.received = parseTime(v)
		default:
			continue
		}
		if err != nil {
			return false
		}
		found++
	}
	return found == 4
}
