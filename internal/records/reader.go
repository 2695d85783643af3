package records

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"
)

const (
	maxRecord = 64 << 20  // bytes of a record; those of this library have at most 256 KiB
	maxDepth  = 1000      // nesting of containers
	readSize  = 256 << 10 // bytes, the buffer for a read

	// maxWindow bounds the memory for a zstd frame. It is the default of the zstd command.
	maxWindow = 128 << 20 // bytes
)

var (
	errTooLarge = errors.New("records: a record of more than 64 MiB")
	errTooDeep  = errors.New("records: more than 1000 containers inside one another")
	errTorn     = errors.New("records: a record is torn off")
)

// Reader finds the records in a stream of JSON values. Its memory is bounded by the largest record.
// It is not safe for concurrent use.
type Reader struct {
	src  io.Reader
	done func() // ends decompression

	scan scanner
	rec  Record
	err  error // that ends the stream
}

// NewReader returns a Reader of r. It decompresses zstd and gzip. name is the file name in the
// positions of records, and may be empty. The caller must call Close unless it reads to the end.
func NewReader(r io.Reader, name string) *Reader {
	d := &Reader{}
	d.rec.Pos.File = name
	b := bufio.NewReaderSize(r, 64<<10)
	d.src = b
	if bom, _ := b.Peek(3); bytes.Equal(bom, []byte{0xef, 0xbb, 0xbf}) {
		b.Discard(3)
	}
	d.err = d.decompress(b)
	d.scan.line, d.scan.max = 1, maxRecord
	return d
}

// decompress makes d decompress b if its first bytes are those of zstd or gzip.
func (d *Reader) decompress(b *bufio.Reader) error {
	magic, _ := b.Peek(4)
	switch {
	case isZstd(magic):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return err
		}
		d.src, d.done = z, z.Close
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b, 8}): // RFC 1952, section 2.3.1; used by log shippers and log rotation
		z, err := gzip.NewReader(b)
		if err != nil {
			return err
		}
		d.src = z
	}
	return nil
}

// isZstd reports whether magic begins a zstd frame (RFC 8878, section 3.1.1) or a skippable frame
// (section 3.1.2), which some writers put first.
func isZstd(magic []byte) bool {
	return bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		len(magic) == 4 && magic[0]&0xf0 == 0x50 && bytes.Equal(magic[1:], []byte{0x2a, 0x4d, 0x18})
}

// Close frees the memory for decompression. It does not close the stream.
func (d *Reader) Close() {
	if d.done != nil {
		d.done()
		d.done = nil
	}
	if d.err == nil {
		d.err = io.EOF
	}
}

// Next returns the next record, or io.EOF after the last one. The record and everything in it is
// valid until the next call.
//
// After an error of type [*Error], the next call continues after the unreadable position. Any other
// error ends the stream.
func (d *Reader) Next() (*Record, error) {
	for d.err == nil {
		raw, line, err := d.scan.next()
		switch {
		case err == errMore:
			d.fill()
			continue
		case err != nil:
			return nil, &Error{Pos{d.rec.Pos.File, line}, err}
		}
		d.rec.Pos.Line = line
		if err := d.rec.UnmarshalJSON(raw); err != nil {
			return nil, &Error{d.rec.Pos, err}
		}
		return &d.rec, nil
	}
	return nil, d.err
}

// fill reads more of the stream. At its end, it makes the scanner report an incomplete value once.
func (d *Reader) fill() {
	s := &d.scan
	if cap(s.buf)-len(s.buf) < readSize/2 { // otherwise many small reads would copy a record each time
		s.compact()
		s.buf = slices.Grow(s.buf, readSize)
	}
	n, err := d.src.Read(s.buf[len(s.buf):cap(s.buf)])
	s.buf = s.buf[:len(s.buf)+n]
	switch {
	case n > 0: // the next read returns the error again
	case err == io.EOF && s.open() && !s.eof:
		s.eof = true
	case err != nil:
		d.err = err
		d.Close()
	}
}
