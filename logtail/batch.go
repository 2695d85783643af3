package logtail

import (
	"bytes"
	"compress/gzip"
	"errors"

	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/internal/rawjson"
)

// headID is the length of a prefix that identifies an entry.
const headID = 160

var errNoEntries = errors.New("logtail: the buffer counts entries but shows none")

// batch holds the oldest entries of the Buffer, which are acknowledged together, and the state of
// their delivery. The zero batch has no entries.
type batch struct {
	plan    plan
	entries [][]byte // the entries of plan
	through uint64   // the token that acknowledges them
	limit   int      // the argument of Peek that returned them
	head    []byte   // the beginning of the first entry
	refusal error    // the last refusal of the server
	acking  bool     // all entries are delivered, but Ack has failed
}

// refresh peeks at the entries again, which may have moved in memory. It reports whether they are
// all still in the Buffer; otherwise the plan is void.
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

// peek fills b with the oldest entries: as many as fit into a body of limit bytes, but at least
// one. If behind is set, it adds further entries, about a full body of them.
func (b *batch) peek(buf Buffer, limit int, behind bool) error {
	room := limit
	entries, through, err := buf.Peek(room)
	if err == nil && len(entries) > 1 && total(entries)+framing(len(entries)) > limit {
		room -= framing(len(entries))
		entries, through, err = buf.Peek(room)
	}
	if err == nil && behind {
		room = total(entries)
		// The next entry may be larger than a full body. The loop ends when more
		// overflows.
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

// reset empties b and keeps its memory.
func (b *batch) reset() { *b = batch{head: b.head[:0]} }

// release drops the references to the entries. refresh sets them again.
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

// framing returns the number of bytes that a body of n entries has besides them.
func framing(n int) int { return n + 1 } // brackets and commas, or a newline each

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
	useGzip bool // immutable; otherwise zstd

	plain  []byte
	packed []byte
	zstd   *zstd.Encoder
	gzip   *gzip.Writer
}

// pack returns the body for entries, its size before compression, and whether it is compressed.
// The body is valid until the next call.
func (p *packer) pack(entries [][]byte, encoding Encoding, compress bool) (body []byte, size int, compressed bool) {
	p.plain = appendBody(p.plain[:0], entries, encoding)
	size = len(p.plain)
	if !compress || size <= minCompress {
		return p.plain, size, false
	}
	if p.useGzip {
		p.packGzip()
	} else {
		p.packZstd()
	}
	if len(p.packed)+minGain >= size {
		return p.plain, size, false
	}
	return p.packed, size, true
}

// packZstd compresses plain into packed.
func (p *packer) packZstd() {
	if p.zstd == nil {
		// The options are valid, so there is no error.
		p.zstd, _ = zstd.NewWriter(nil,
			zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithEncoderConcurrency(1),
			zstd.WithLowerEncoderMem(true),
			zstd.WithWindowSize(zstdWindow))
	}
	p.packed = p.zstd.EncodeAll(p.plain, p.packed[:0])
}

// packGzip compresses plain into packed.
func (p *packer) packGzip() {
	// Writing into memory causes no error.
	out := bytes.NewBuffer(p.packed[:0])
	if p.gzip == nil {
		p.gzip = gzip.NewWriter(out)
	} else {
		p.gzip.Reset(out)
	}
	p.gzip.Write(p.plain)
	p.gzip.Close()
	p.packed = out.Bytes()
}

// release frees all memory.
func (p *packer) release() { *p = packer{useGzip: p.useGzip} }
