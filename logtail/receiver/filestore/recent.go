package filestore

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"iter"
	"slices"

	"github.com/klauspost/compress/zstd"
)

const (
	recentBlock = 1 << 20  // bytes of a file that Recent reads at a time
	longestLine = 16 << 20 // bytes; Recent ignores a longer line, and the lines before it in its file
	longestTail = 32 << 20 // bytes of a compressed file that Recent reads
)

// Recent implements [receiver.Recaller]. It reads the newest files of each collection, and the end of a
// file first. The collections share maxBytes equally. Of a compressed file it reads at most the last
// 64 MiB, for which it decompresses the whole file.
func (f *Store) Recent(maxBytes int64) iter.Seq2[string, []byte] {
	return func(yield func(collection string, entry []byte) bool) {
		collections, err := f.collections()
		if err != nil {
			f.opts.Logf("filestore: %v", err)
		}
		var all []*recent
		for _, c := range collections {
			files, err := f.list(c)
			if err != nil {
				f.opts.Logf("filestore: %v", err)
			}
			slices.SortFunc(files, compareRecent)
			all = append(all, &recent{
				store: f, files: files, left: maxBytes / int64(len(collections)),
				yield: func(entry []byte) bool { return yield(c, entry) },
			})
		}
		for len(all) > 0 {
			for _, r := range all {
				if !r.next() {
					return
				}
			}
			all = slices.DeleteFunc(all, (*recent).done)
		}
	}
}

// compareRecent orders files from the newest to the oldest. Plain files are the newest, whatever day is
// in their names, because all others are finished.
func compareRecent(a, b stored) int {
	switch {
	case a.zstd && !b.zstd:
		return 1
	case b.zstd && !a.zstd:
		return -1
	}
	return b.compare(a)
}

// recent reads the files of a collection.
type recent struct {
	store *Store
	files []stored // not read yet
	left  int64    // bytes still to be read
	yield func(entry []byte) bool
}

// done reports whether there is nothing more to read.
func (r *recent) done() bool { return len(r.files) == 0 || r.left <= 0 }

// next reads the next file, and reports whether yield wants more. It logs errors, for example if a file
// is damaged.
func (r *recent) next() bool {
	if r.done() {
		return true
	}
	s := r.files[0]
	r.files = r.files[1:]
	more, err := r.read(s)
	if errors.Is(err, fs.ErrNotExist) && !s.zstd { // compressed in the meantime
		s.name, s.zstd = compressedName(s.name), true
		more, err = r.read(s)
	}
	if err != nil {
		r.store.opts.Logf("filestore: %v", err)
	}
	return more
}

// read reads a file, and reports whether yield wants more.
func (r *recent) read(s stored) (more bool, err error) {
	file, err := r.store.root.Open(s.path())
	if err != nil {
		return true, err
	}
	defer file.Close()
	if s.zstd {
		return r.readCompressed(file)
	}
	return r.readBackward(file, s.size)
}

// readCompressed reads the end of a compressed file.
func (r *recent) readCompressed(file io.Reader) (more bool, err error) {
	z, err := zstd.NewReader(file, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return true, err
	}
	defer z.Close()
	end := tail{max: int(min(r.left, longestTail))}
	_, err = io.Copy(&end, z)
	lines := end.lines()
	more, _ = r.readBackward(bytes.NewReader(lines), int64(len(lines)))
	return more, err
}

// tail keeps the last bytes that are written to it: at least max of them, and at most twice as many.
type tail struct {
	b   []byte
	max int
	cut bool // there were bytes before
}

// Write implements [io.Writer].
func (t *tail) Write(p []byte) (int, error) {
	if n := len(t.b) + len(p) - 2*t.max; n > 0 {
		t.cut = true
		t.b = t.b[:copy(t.b, t.b[max(0, len(t.b)-t.max):])]
	}
	t.b = append(t.b, p...)
	return len(p), nil
}

// lines returns the kept bytes, from the beginning of a line.
func (t *tail) lines() []byte {
	if t.cut {
		return t.b[bytes.IndexByte(t.b, '\n')+1:]
	}
	return t.b
}

// readBackward reads a file of size bytes in blocks, from its end, until r.left bytes are read. It ignores
// bytes after the last line break.
func (r *recent) readBackward(file io.ReaderAt, size int64) (more bool, err error) {
	var rest []byte // the end of a line that begins in the next block
	torn := true    // no line break was found yet
	for size > 0 && r.left > 0 && len(rest) < longestLine {
		n := min(size, recentBlock)
		size -= n
		r.left -= n
		block := make([]byte, n, int(n)+len(rest))
		if _, err := file.ReadAt(block, size); err != nil {
			return true, err
		}
		block = append(block, rest...)
		if torn {
			block = block[:bytes.LastIndexByte(block, '\n')+1]
			torn = len(block) == 0
		}
		begin := 0
		if size > 0 {
			begin = bytes.IndexByte(block, '\n') + 1
		}
		if rest = block[:begin]; begin == 0 && size > 0 {
			rest = block
			continue
		}
		for line := range bytes.Lines(block[begin:]) {
			if !r.yield(bytes.TrimSuffix(line, []byte("\n"))) {
				return false, nil
			}
		}
	}
	return true, nil
}

// recallTrust looks at the end of the plain files for an entry that agrees with the clock.
func (f *Store) recallTrust() {
	collections, _ := f.collections() // repair has read them
	for _, c := range collections {
		files, _ := f.list(c)
		slices.SortFunc(files, compareRecent)
		if len(files) == 0 || files[0].zstd {
			continue
		}
		r := recent{store: f, files: files, left: 1, yield: func(entry []byte) bool { return !f.trust.recall(f.now(), entry) }}
		if !r.next() {
			return
		}
	}
}
