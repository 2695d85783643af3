package receiver

import (
	"errors"
	"hash/maphash"
	"net/http"
	"time"

	"github.com/klauspost/compress/zstd"
)

// work is one request on its way to the Sink, with its buffers. It is owned by the
// goroutine of the request, and by the one that calls Store from then on.
type work struct {
	target
	from       *sender
	compressed bool
	received   time.Time

	wire  []byte // the body as it came
	plain []byte // decompressed; unused where it came plain
	out   []byte // the entries of the batch, one after the other
	split splitter
	metas []clientMeta
	stamp []byte
	ends  []int // of the entries in out

	batch     Batch
	node      *node // nil: not entered
	cost      int64
	undos     []undo
	repeated  uint64
	conflicts uint64
	missing   uint64
}

// maxKept is the largest buffer that is kept for the next request.
const maxKept = 1 << 20 // bytes

// reset makes k ready for a request to t.
func (k *work) reset(t target, from *sender) {
	entries := k.batch.Entries[:0]
	*k = work{target: t, from: from, wire: k.wire, plain: k.plain, out: k.out, split: k.split, metas: k.metas, stamp: k.stamp, ends: k.ends, undos: k.undos[:0]}
	k.batch.Entries = entries
}

// unpack decompresses, splits, attributes and de-duplicates what k read. It
// leaves the batch empty where there is nothing new.
func (c *core) unpack(r *http.Request, k *work) *refusal {
	body := k.wire
	if k.compressed {
		var err error
		k.plain, err = c.decoder.DecodeAll(k.wire, k.plain[:0])
		switch {
		case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
			return refuseBody(errLargeBody)
		case err != nil:
			return refuseBody(errCompressed)
		case !rightLength(r.Header, len(k.plain)):
			return refuseBody(errLength)
		}
		body = k.plain
	}
	if len(body) > c.limits.DecodedBytes {
		return refuseBody(errLargeBody)
	}
	entries, err := k.split.split(body, c.limits.Entries, c.limits.EntryBytes)
	if err != nil {
		return refuseBody(err)
	}
	if len(entries) == 0 {
		return nil
	}
	k.cost = max(int64(len(k.wire)), int64(len(body)+200*len(entries))/16)
	var wait time.Duration
	k.node, wait = c.nodes.enter(k.id, k.cost, time.Now())
	if wait > 0 {
		return overQuota(wait)
	}
	k.attribute(c, entries)
	return nil
}

// attribute makes the batch of k from entries. k has entered its node.
func (k *work) attribute(c *core, entries []entry) {
	k.metas = k.metas[:0]
	perProc := make(map[uint32]int, 1)
	for _, e := range entries {
		var m clientMeta
		if e.meta.end > 0 {
			m = k.split.parseMeta(e.raw[e.meta.start:e.meta.end])
		}
		if m.key() {
			perProc[m.proc]++
		}
		k.metas = append(k.metas, m)
	}
	k.stamp = appendStamp(k.stamp[:0], k.id, k.received)
	k.out = k.out[:0]
	k.ends = k.ends[:0]
	for n, e := range entries {
		v := fresh
		if m := k.metas[n]; m.key() {
			v = k.note(c, m, e.raw, 2*perProc[m.proc])
		}
		if v == repeated {
			continue
		}
		k.out = appendEntry(k.out, e, k.metas[n], k.stamp, v == conflict)
		k.ends = append(k.ends, len(k.out))
	}
	start := 0
	for _, end := range k.ends { // only now, when out has stopped moving
		k.batch.Entries = append(k.batch.Entries, k.out[start:end:end])
		start = end
	}
	k.batch.Collection, k.batch.ID, k.batch.CopyID, k.batch.Received = k.collection, k.id, k.copyID, k.received
}

// note looks an entry up among those seen, and counts what it is.
func (k *work) note(c *core, m clientMeta, raw []byte, room int) verdict {
	s := c.nodes.stream(k.node, k.collection, m.proc, room)
	v, gap, undo := s.note(m.seq, maphash.Bytes(c.seed, raw))
	k.undos = append(k.undos, undo)
	k.missing += gap
	switch v {
	case repeated:
		k.repeated++
	case conflict:
		k.conflicts++
	}
	return v
}

// finish ends k after Store, or after unpack where there was nothing to store.
func (c *core) finish(k *work, err error) {
	if k.node != nil {
		stored := err == nil && len(k.batch.Entries) > 0
		if err != nil {
			// Nothing is seen that is not stored: the node sends it again.
			for n := len(k.undos) - 1; n >= 0; n-- {
				k.undos[n].back()
			}
		} else {
			c.count.repeated.Add(k.repeated)
			c.count.conflicts.Add(k.conflicts)
			c.count.missing.Add(k.missing)
		}
		if stored {
			c.count.stored.Add(uint64(len(k.batch.Entries)))
			c.count.storedBytes.Add(uint64(len(k.out) + len(k.batch.Entries)))
			k.cost = 0
		}
		if stored || err != nil {
			c.report(err)
		}
		c.nodes.leave(k.node, k.cost)
	}
	<-c.unpacking
	<-k.from.turn
	c.done(k)
}

// done lets go of k.
func (c *core) done(k *work) {
	c.nodes.release(k.id)
	if cap(k.wire) <= maxKept && cap(k.plain) <= maxKept && cap(k.out) <= 2*maxKept {
		clear(k.split.entries[:cap(k.split.entries)])
		clear(k.split.members[:cap(k.split.members)])
		c.works.Put(k)
	}
	<-c.admitted
}
