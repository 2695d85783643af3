package logtail

import (
	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/internal/rawjson"
)

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
