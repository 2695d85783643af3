package records

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"
)

// Input is the input of a command: files, directories and a stream. It is not safe for concurrent
// use.
type Input struct {
	// Paths are files and directories. All files below a directory are read whose names end
	// in .ndjson, .jsonl, .json, .zst or .gz, in the order of their names. Links in it are
	// followed to files, but not to directories. Files may be rotated meanwhile: the records
	// are those that existed at the start. A plain file is left out if there is a compressed one
	// with the same name and time. "-" means Stdin, and so does an empty list.
	Paths []string
	Stdin io.Reader
	Since time.Time // files that were last written before are left out

	size int64
	read int64
}

// Records returns the records of all paths. After an error it continues: with the next record after an
// [*Error], and with the next file after any other error. Except for Stdin, the input can be read
// again.
func (in *Input) Records() iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		files := in.list()
		defer files.close()
		in.read, in.size = 0, files.size()
		for _, err := range files.errs {
			if !yield(nil, err) {
				return
			}
		}
		for _, f := range files.files {
			if !in.file(f, yield) {
				return
			}
		}
	}
}

// Progress returns how many bytes of the files have been read, and their size, which is zero if it is
// not known.
func (in *Input) Progress() (read, size int64) { return in.read, in.size }

// HasStdin reports whether the input can be read only once.
func (in *Input) HasStdin() bool { return len(in.Paths) == 0 || slices.Contains(in.Paths, "-") }

func (in *Input) list() *listing {
	if len(in.Paths) == 0 {
		return &listing{files: []*source{{path: "-"}}}
	}
	return snapshot(func() *listing { return list(in.Paths, in.Since) })
}

// file yields the records of one file, and reports whether to continue.
func (in *Input) file(s *source, yield func(*Record, error) bool) bool {
	src, name := in.Stdin, ""
	if s.info != nil {
		defer s.close()
		if err := s.open(); err != nil {
			return yield(nil, err)
		}
		src, name = s.held, s.path
	}
	r := NewReader(&counter{src, &in.read}, name)
	defer r.Close()
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return true
		}
		if _, skipped := errors.AsType[*Error](err); err != nil && !skipped {
			return yield(nil, fmt.Errorf("%s: %w", cmp.Or(name, "standard input"), err))
		}
		if !yield(rec, err) {
			return false
		}
	}
}

// counter counts the bytes that are read.
type counter struct {
	r io.Reader
	n *int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	*c.n += int64(n)
	return n, err
}
