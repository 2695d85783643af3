package records

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Input is what a command reads: files, directories and a stream. It is not safe
// for concurrent use.
type Input struct {
	// Paths are files and directories. Of a directory, everything below it is read
	// whose name ends in .ndjson, .jsonl, .json, .zst or .gz, in the order of names;
	// links in it are followed to files, not to directories.
	// "-" is Stdin, and no path at all is Stdin too.
	Paths []string
	Stdin io.Reader

	size int64
	read int64
}

// Records returns the records of all paths. After an error it goes on with what
// can be read: with the next record after an [*Error], with the next file after any other.
// The input can be read again, but for Stdin.
func (in *Input) Records() iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		in.read, in.size = 0, 0
		files, errs := in.files()
		for _, err := range errs {
			if !yield(nil, err) {
				return
			}
		}
		for _, f := range files {
			if !in.file(f, yield) {
				return
			}
		}
	}
}

// Progress returns how many bytes of the files were read, and how many there
// are; size is zero where that is not known.
func (in *Input) Progress() (read, size int64) { return in.read, in.size }

// HasStdin reports whether the input can be read only once.
func (in *Input) HasStdin() bool { return len(in.Paths) == 0 || slices.Contains(in.Paths, "-") }

// files lists the files, each once.
func (in *Input) files() (files []string, errs []error) {
	if len(in.Paths) == 0 {
		return []string{"-"}, nil
	}
	seen := make(map[string]bool)
	add := func(path string, size int64) {
		if path = filepath.Clean(path); !seen[path] {
			seen[path] = true
			files = append(files, path)
			in.size += size
		}
	}
	for _, p := range in.Paths {
		if p == "-" {
			add(p, 0)
			continue
		}
		root := p
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			root += string(filepath.Separator) // so that a link to a directory is walked too
		}
		filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (path == root || hasRecords(path)) {
				var info fs.FileInfo
				// In a directory nobody has asked for a pipe, which would wait for a writer.
				if info, err = os.Stat(path); err == nil && (path == root || info.Mode().IsRegular()) {
					add(path, info.Size())
				}
			}
			if err != nil {
				errs = append(errs, err)
			}
			return nil
		})
	}
	return files, errs
}

func hasRecords(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".ndjson", ".jsonl", ".json", ".zst", ".gz":
		return true
	}
	return false
}

// file yields the records of one file, and reports whether to go on.
func (in *Input) file(path string, yield func(*Record, error) bool) bool {
	src, name := in.Stdin, ""
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return yield(nil, err)
		}
		defer f.Close()
		src, name = f, path
	}
	r := NewReader(&counter{src, &in.read}, name)
	defer r.Close()
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return true
		}
		if _, skipped := errors.AsType[*Error](err); err != nil && !skipped {
			return yield(nil, fmt.Errorf("%s: %w", path, err))
		}
		if !yield(rec, err) {
			return false
		}
	}
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n *int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	*c.n += int64(n)
	return n, err
}
