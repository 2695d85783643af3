package receiver

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"
)

// work is the state of one request. The goroutine of the request owns it, and later the goroutine
// that calls Store.
type work struct {
	target
	buffers
	admitted admitted
	coding   coding
	received time.Time

	node      *node // set by nodes.enter
	cost      int64 // bytes to charge to the quota of node
	repeated  uint64
	conflicts uint64
	missing   uint64
}

// unpack decompresses, splits, attributes and de-duplicates the body of k. The batch is empty if
// there is nothing new.
func (c *core) unpack(r *http.Request, k *work) error {
	var wait time.Duration
	if k.node, wait = c.nodes.enter(k.id, time.Now()); wait > 0 {
		return overQuota(wait)
	}
	body, err := c.decompress(r, k)
	k.cost = int64(max(len(k.wire), len(body)))
	if err != nil {
		return err
	}
	entries, err := k.split.split(body, c.limits.MaxEntries, c.limits.MaxEntryBytes)
	if err != nil || len(entries) == 0 {
		return err
	}
	k.attribute(c, entries)
	return nil
}

// decompress returns the decompressed body. With an error, it returns the part that it has
// decompressed, which counts against the quota.
func (c *core) decompress(r *http.Request, k *work) (body []byte, err error) {
	body = k.wire
	switch k.coding {
	case zstdCoding:
		k.plain, err = c.decoder.DecodeAll(k.wire, k.plain[:0])
		body = k.plain
		switch {
		case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
			err = errLargeBody
		case err != nil:
			err = errZstd
		}
	case gzipCoding:
		if k.gunzip == nil {
			k.gunzip = new(gunzipper)
		}
		k.plain, err = k.gunzip.append(k.plain[:0], k.wire, c.limits.MaxDecodedBytes)
		body = k.plain
	}
	switch {
	case err != nil:
		return body, err
	case k.coding != identity && !lengthMatches(r.Header, len(body)):
		return body, errLength
	}
	if len(body) > c.limits.MaxDecodedBytes {
		err = errLargeBody
	}
	return body, err
}

// attribute builds the entries of the batch from those of the body. k has entered its node.
func (k *work) attribute(c *core, entries []entry) {
	perProc := make(map[uint32]int, 1)
	for _, e := range entries {
		var m clientMeta
		if e.meta.end > 0 {
			m = k.split.parseMeta(e.raw[e.meta.start:e.meta.end])
		}
		if m.hasKey() {
			perProc[m.proc]++
		}
		k.metas = append(k.metas, m)
	}
	k.stamp = appendStamp(k.stamp, k.id, k.received)
	for n, e := range entries {
		m, start := k.metas[n], len(k.out)
		var stampAt int
		k.out, stampAt = appendEntry(k.out, e, m, k.stamp)
		if m.hasKey() {
			after := stampAt + len(k.stamp)
			hash := hashContent(c.seed, k.out[start:stampAt], k.out[after:])
			switch k.note(c, m, hash, 2*perProc[m.proc]) {
			case repeated:
				k.out = k.out[:start]
				continue
			case conflict:
				k.out = slices.Insert(k.out, after, []byte(conflictMark)...)
			}
		}
		k.ends = append(k.ends, len(k.out))
	}
	start := 0
	for _, end := range k.ends { // only now, because append moves out as it grows
		k.entries = append(k.entries, k.out[start:end:end])
		start = end
	}
}

// batch returns the batch for the Sink.
func (k *work) batch() Batch {
	return Batch{Collection: k.collection, ID: k.id, CopyID: k.copyID, Received: k.received, Entries: k.entries}
}

// note compares an entry with those seen before, and remembers and counts it.
func (k *work) note(c *core, m clientMeta, hash uint64, room int) verdict {
	s := c.nodes.stream(k.node, k.collection, m.proc, room)
	v, gap, undo := s.note(m.seq, hash)
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

// finish ends k after Store, or after unpack if there is nothing to store.
func (c *core) finish(k *work, err error) {
	if k.node != nil {
		c.settle(k, err)
	}
	<-c.unpacking
	<-k.admitted.turn
	c.release(k)
}

// settle counts the entries of k and charges its node for the decompressed body, or for the stored
// entries if they are larger. If the Sink failed, the node is not charged.
func (c *core) settle(k *work, err error) {
	stored := len(k.out) + len(k.entries)
	switch {
	case err != nil:
		// The entries were not stored, so they must not count as seen: the node sends
		// them again.
		for n := len(k.undos) - 1; n >= 0; n-- {
			k.undos[n].revert()
		}
		if !errors.Is(err, ErrCollections) {
			k.cost = 0
		}
		c.report(err)
	default:
		c.count.repeated.Add(k.repeated)
		c.count.conflicts.Add(k.conflicts)
		c.count.missing.Add(k.missing)
		if stored > 0 {
			k.cost = max(k.cost, int64(stored))
			c.count.stored.Add(uint64(len(k.entries)))
			c.count.storedBytes.Add(uint64(stored))
			c.report(nil)
		}
	}
	c.nodes.leave(k.node, k.cost)
}

// release ends the admission of k and keeps its buffers for the next request.
func (c *core) release(k *work) {
	c.admission.release(k.admitted)
	*k = work{buffers: k.buffers.emptied()}
	c.works.Put(k)
}
