package records

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/internal/rawjson"
)

const (
	maxRecord = 64 << 20  // bytes of a record; those of this library have at most 256 KiB
	readSize  = 512 << 10 // bytes, the buffer for a read

	// maxWindow bounds the memory for a zstd frame. It is the default of the zstd command.
	maxWindow = 128 << 20 // bytes
)

var (
	errTooLarge = errors.New("a record of more than 64 MiB")
	errTooDeep  = fmt.Errorf("more than %d containers inside one another", rawjson.MaxDepth)
	errTorn     = errors.New("a record is torn off")
)

// Reader finds the records in a stream of JSON values. Its memory is bounded by the largest record.
// It is not safe for concurrent use.
type Reader struct {
	src    io.Reader
	packed string // how the stream is compressed, or ""
	done   func() // ends decompression

	scan   scanner
	isText bool // the stream begins with text that is not JSON
	rec    Record
	err    error // that ends the stream
}

// NewReader returns a Reader of r. It decompresses zstd and gzip, and waits for the first 64 KiB
// to see what the stream is. name is the file name in the positions of records, and may be empty.
// The caller must call Close unless it reads to the end.
func NewReader(r io.Reader, name string) *Reader {
	d := &Reader{}
	d.rec.Pos.File = name
	b := bufio.NewReaderSize(r, headSize)
	d.src = b
	d.scan.line, d.scan.max = 1, maxRecord
	if d.err = d.decompress(b); d.err != nil {
		return d
	}
	if d.packed != "" {
		b = bufio.NewReaderSize(d.src, headSize)
		d.src = b
	}
	head, _ := b.Peek(headSize) // fill returns the error
	what := ""
	if what, d.isText = foreign(head); what != "" {
		d.close()
		d.err = errors.New("looks like " + what)
	}
	return d
}

// decompress makes d decompress b if its first bytes are those of zstd or gzip.
func (d *Reader) decompress(b *bufio.Reader) error {
	magic, _ := b.Peek(4)
	switch {
	case isZstd(magic):
		d.packed = "zstd"
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return err
		}
		d.src, d.done = z, z.Close
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b, 8}): // RFC 1952, section 2.3.1; used by log shippers and log rotation
		d.packed = "gzip"
		z, err := gzip.NewReader(b)
		if err != nil {
			return d.readError(err)
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
	d.close()
	if d.err == nil {
		d.err = io.EOF
	}
}

func (d *Reader) close() {
	if d.done != nil {
		d.done()
		d.done = nil
	}
}

// readError returns the error for an error of the stream or of its decompression.
func (d *Reader) readError(err error) error {
	if _, ok := errors.AsType[*fs.PathError](err); ok || d.packed == "" {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the end of the %s data is missing", d.packed)
	}
	return fmt.Errorf("the %s data is damaged: %w", d.packed, err)
}

// Next returns the next record, or io.EOF after the last one. The record and everything in it is
// valid until the next call.
//
// After an error of type [*Error], the next call continues after the position that could not be read. Any
// other error ends the stream.
func (d *Reader) Next() (*Record, error) {
	for d.err == nil {
		raw, line, err := d.scan.next()
		switch {
		case err == errMore:
			d.fill()
			continue
		case err != nil:
			if d.isText {
				err = textError(d.scan.text, d.scan.pos)
				d.isText, d.scan.lost = false, true
			}
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

// fill reads more of the stream. The scanner scans an incomplete value again from its beginning, so fill
// reads on until the value has doubled, or until it has a further line and is not large.
func (d *Reader) fill() {
	s := &d.scan
	if s.eof {
		d.Close()
		return
	}
	kept := len(s.text) - s.pos
	if cap(s.text)-len(s.text) < max(kept, readSize/2) { // otherwise many small reads would copy a value each time
		copy(s.text, s.text[s.pos:])
		s.text, s.pos = slices.Grow(s.text[:kept], max(kept, readSize)), 0
	}
	for more := 0; more == 0 || more < kept; {
		n, err := d.src.Read(s.text[len(s.text):cap(s.text)])
		read := s.text[len(s.text):][:n]
		s.text = s.text[:len(s.text)+n]
		more += n
		switch {
		case kept < readSize && bytes.IndexByte(read, '\n') >= 0:
			return
		case n > 0: // the next read returns the error again
		case err == io.EOF:
			s.eof = true
			return
		case err != nil:
			d.err = d.readError(err)
			d.close()
			return
		}
	}
}
