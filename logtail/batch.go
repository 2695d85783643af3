package logtail

import (
	"bytes"
	"errors"

	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/internal/rawjson"
)

// headID is how many bytes tell an entry from any other.
const headID = 160

var errNoEntries = errors.New("logtail: the buffer counts entries but shows none")

// batch is what leaves the Buffer together: its oldest entries, and how far they
// have come. The zero batch is none.
type batch struct {
	plan    plan
	entries [][]byte // of plan
	through uint64   // acknowledges them
	limit   int      // that Peek gave them for
	head    []byte   // the beginning of the first one
	refusal error    // the last one of the server
	acking  bool     // all delivered, but the Buffer failed to acknowledge it
}

// refresh looks at the entries again, which may have moved, and reports whether
// they are there still. Those that the Buffer dropped take the plan with them.
func (b *batch) refresh(buf Buffer) (bool, error) {
	n := len(b.plan.sizes)
	if n == 0 || b.plan.untouched() {
		return false, nil
	}
	entries, _, err := buf.Peek(b.limit)
	if err != nil || len(entries) < n || !bytes.HasPrefix(entries[0], b.head) {
		return false, err
	}
	b.entries = entries[:n]
	return true, nil
}

// peek makes b the oldest entries, as many as a body of limit bytes takes, but at
// least one. With behind it adds as much as a full body of what is behind them.
func (b *batch) peek(buf Buffer, limit int, behind bool) error {
	room := limit
	entries, through, err := buf.Peek(room)
	if err == nil && len(entries) > 1 && total(entries)+framing(len(entries)) > limit {
		room -= framing(len(entries))
		entries, through, err = buf.Peek(room)
	}
	if err == nil && behind {
		room = total(entries)
		// What is behind them may be larger than a full body. Past the largest int, more
		// is no longer positive.
		for n, more := len(entries), maxBody; err == nil && len(entries) == n && int64(room) < buf.Stats().Bytes && more > 0; more *= 2 {
			room += more
			entries, through, err = buf.Peek(room)
		}
	}
	if err != nil {
		return err
	}
	b.reset()
	if len(entries) == 0 {
		return errNoEntries
	}
	sizes := make([]int, len(entries))
	for i, e := range entries {
		sizes[i] = len(e) + 1
	}
	b.plan = newPlan(sizes)
	b.entries, b.through, b.limit = entries, through, room
	b.head = append(b.head, entries[0][:min(headID, len(entries[0]))]...)
	return nil
}

func total(entries [][]byte) (size int) {
	for _, e := range entries {
		size += len(e)
	}
	return size
}

// reset makes b none, and keeps its memory.
func (b *batch) reset() { *b = batch{head: b.head[:0]} }

// release gives the entries back, which are peeked at again before they are sent.
func (b *batch) release() {
	if !b.acking {
		b.entries = nil
	}
}

const (
	maxBody     = 256 << 10 // bytes of a body before compression, unless one entry alone is longer
	minCompress = 256       // bytes: shorter bodies go as they are
	minGain     = 64        // bytes that compression must save
	zstdWindow  = 512 << 10 // bytes; receivers refuse more than 8 MiB (RFC 9659)
)

// framing returns how many bytes a body of n entries takes beyond them.
func framing(n int) int { return n + 1 } // [ , , ] or a newline each

// appendBody appends the body of a request with entries.
func appendBody(dst []byte, entries [][]byte, encoding Encoding) []byte {
	if encoding == NDJSON {
		for _, e := range entries {
			dst = append(rawjson.AppendLine(dst, e), '\n')
		}
		return dst
	}
	dst = append(dst, '[')
	for i, e := range entries {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, e...)
	}
	return append(dst, ']')
}

// packer builds bodies in memory of its own, until release frees it. The zero packer is
// ready to use. It is not safe for concurrent use.
type packer struct {
	plain   []byte
	packed  []byte
	encoder *zstd.Encoder
}

// pack returns the body for entries and whether it is compressed, valid until
// the next call. size is the number of bytes before compression.
func (p *packer) pack(entries [][]byte, encoding Encoding, compress bool) (body []byte, size int, compressed bool) {
	p.plain = appendBody(p.plain[:0], entries, encoding)
	size = len(p.plain)
	if !compress || size <= minCompress {
		return p.plain, size, false
	}
	if p.encoder == nil {
		// The options are valid, so there is no error.
		p.encoder, _ = zstd.NewWriter(nil,
			zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithEncoderConcurrency(1),
			zstd.WithLowerEncoderMem(true),
			zstd.WithWindowSize(zstdWindow))
	}
	p.packed = p.encoder.EncodeAll(p.plain, p.packed[:0])
	if len(p.packed)+minGain >= size {
		return p.plain, size, false
	}
	return p.packed, size, true
}

// release frees all memory.
func (p *packer) release() { *p = packer{} }

const (
	growAfter = 16  // successes after which a size that the server refused is tried again
	minLimit  = 512 // bytes
)

// bodySize knows how long a body the server takes, from its answers. All sizes
// are bytes before compression.
type bodySize struct {
	limit     int // of a body, but for one of a single entry
	successes int // since limit changed
	smallest  int // the smallest body that the server took; 0: none
}

// accepted notes that the server took a body of size bytes.
func (b *bodySize) accepted(size int) {
	if b.smallest == 0 || size < b.smallest {
		b.smallest = size
	}
	if b.successes++; b.successes >= growAfter && b.limit < maxBody {
		b.limit, b.successes = min(2*b.limit, maxBody), 0
	}
}

// tooLarge notes that a body of size bytes was too large for the server.
func (b *bodySize) tooLarge(size int) {
	b.limit, b.successes = max(minLimit, min(b.limit, size/2)), 0
}

// blames reports whether it is its size that keeps a body of size bytes from the
// server: it took a smaller one.
func (b *bodySize) blames(size int) bool { return b.smallest > 0 && b.smallest < size }
