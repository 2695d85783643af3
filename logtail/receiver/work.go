package receiver

import (
	"errors"
	"hash/maphash"
	"net/http"
	"time"

	"github.com/klauspost/compress/zstd"
)

// work is one request on its way to the Sink. It is owned by the goroutine of the
// request, and by the one that calls Store from then on.
type work struct {
	target
	buffers
	guest      guest
	compressed bool
	received   time.Time

	node      *node // nil: not entered
	cost      int64
	repeated  uint64
	conflicts uint64
	missing   uint64
}

// unpack decompresses, splits, attributes and de-duplicates what k read. It
// leaves the batch empty where there is nothing new.
//
// The node pays for each step before the next: a small body can be a lot of work,
// whether or not anything of it is stored in the end.
func (c *core) unpack(r *http.Request, k *work) error {
	k.cost = int64(len(k.wire))
	var wait time.Duration
	if k.node, wait = c.nodes.enter(k.id, k.cost, time.Now()); wait > 0 {
		return overQuota(wait)
	}
	body, err := c.decompress(r, k)
	k.charge(c, len(body), 0)
	if err != nil {
		return err
	}
	entries, err := k.split.split(body, c.limits.Entries, c.limits.EntryBytes)
	if err != nil || len(entries) == 0 {
		return err
	}
	k.charge(c, len(body), len(entries))
	k.attribute(c, entries)
	return nil
}

// decompress returns the body as it is to be parsed, or so far as it was decompressed.
func (c *core) decompress(r *http.Request, k *work) (body []byte, err error) {
	body = k.wire
	if k.compressed {
		k.plain, err = c.decoder.DecodeAll(k.wire, k.plain[:0])
		body = k.plain
		switch {
		case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
			return body, errLargeBody
		case err != nil:
			return body, errCompressed
		case !rightLength(r.Header, len(body)):
			return body, errLength
		}
	}
	if len(body) > c.limits.DecodedBytes {
		err = errLargeBody
	}
	return body, err
}

// charge brings the cost of k to that of a body of so many bytes and entries. k has
// entered its node.
func (k *work) charge(c *core, bytes, entries int) {
	if cost := int64(bytes+200*entries) / 16; cost > k.cost {
		c.nodes.charge(k.node, cost-k.cost)
		k.cost = cost
	}
}

// attribute makes the entries of the batch from those of the body. k has entered its node.
func (k *work) attribute(c *core, entries []entry) {
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
	k.stamp = appendStamp(k.stamp, k.id, k.received)
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
		k.entries = append(k.entries, k.out[start:end:end])
		start = end
	}
}

// batch is what the Sink gets of k.
func (k *work) batch() Batch {
	return Batch{Collection: k.collection, ID: k.id, CopyID: k.copyID, Received: k.received, Entries: k.entries}
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
		// What failed without the node's doing costs it nothing.
		refund := int64(0)
		if err != nil && !errors.Is(err, ErrCollections) {
			refund = k.cost
		}
		stored := err == nil && len(k.entries) > 0
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
			c.count.stored.Add(uint64(len(k.entries)))
			c.count.storedBytes.Add(uint64(len(k.out) + len(k.entries)))
		}
		if stored || err != nil {
			c.report(err)
		}
		c.nodes.leave(k.node, refund)
	}
	<-c.unpacking
	<-k.guest.turn
	c.done(k)
}

// done lets go of k.
func (c *core) done(k *work) {
	c.admission.leave(k.guest)
	*k = work{buffers: k.buffers.emptied()}
	c.works.Put(k)
}
