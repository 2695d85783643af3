package records

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxHeld bounds the files that are held open. A collector writes to a few of them,
// those that were changed last.
const maxHeld = 100

// maxListings bounds how often a listing is tried.
const maxListings = 10

var (
	errAnother  = errors.New("another file than was listed: it was replaced meanwhile, so read again")
	errUnstable = errors.New("records: files come and go while they are listed, so some may be left out: read again")
)

// listing is what the paths of an Input come to at one time.
type listing struct {
	files []*source
	errs  []error
}

// source is one file.
type source struct {
	path string
	info fs.FileInfo // nil: Stdin
	held *os.File    // nil: opened when it is read
}

// snapshot lists files, and holds those that a collector may rename, compress and
// remove before they are read: by then another may have the name. While it was listed, a
// file may have gone from a name that was still to come to one that had been passed, so
// nothing counts that the next listing does not agree with.
func snapshot(list func() *listing) *listing {
	for n := 1; ; n++ {
		l := list()
		l.hold()
		if l.agrees(list()) {
			return l
		}
		if n == maxListings {
			l.errs = append(l.errs, errUnstable)
			return l
		}
		l.close()
	}
}

// list lists the files of paths, each once.
func list(paths []string) *listing {
	l := &listing{}
	seen := make(map[string]bool)
	add := func(path string, info fs.FileInfo) {
		if path = filepath.Clean(path); !seen[path] {
			seen[path] = true
			l.files = append(l.files, &source{path: path, info: info})
		}
	}
	for _, p := range paths {
		if p == "-" {
			add(p, nil)
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
					os.SameFile(info, info) // on Windows, which file it is may be looked up only now
					add(path, info)
				}
			}
			if err != nil {
				l.errs = append(l.errs, err)
			}
			return nil
		})
	}
	return l
}

func hasRecords(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".ndjson", ".jsonl", ".json":
		return true
	}
	return isPacked(path)
}

// isPacked reports whether a file of that name keeps it until it is removed.
func isPacked(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".zst", ".gz":
		return true
	}
	return false
}

// hold opens the plain files, the last changed first. One that cannot be held is
// opened, and its error told, when its turn has come.
func (l *listing) hold() {
	plain := slices.DeleteFunc(slices.Clone(l.files), func(s *source) bool {
		return s.info == nil || !s.info.Mode().IsRegular() || isPacked(s.path)
	})
	slices.SortStableFunc(plain, func(x, y *source) int { return y.info.ModTime().Compare(x.info.ModTime()) })
	for _, s := range plain[:min(len(plain), maxHeld)] {
		// Opened like this, a file can be renamed and removed on Windows too.
		f, err := os.OpenInRoot(filepath.Dir(s.path), filepath.Base(s.path))
		if err != nil {
			continue // a link to elsewhere, for one
		}
		s.held = f
	}
}

// size is how many bytes the files have, so far as that is known.
func (l *listing) size() (n int64) {
	for _, s := range l.files {
		if s.info != nil {
			n += s.info.Size()
		}
	}
	return n
}

// agrees reports whether m lists the same files.
func (l *listing) agrees(m *listing) bool {
	return len(l.errs) == len(m.errs) && slices.EqualFunc(l.files, m.files, func(x, y *source) bool {
		return x.path == y.path && (x.info == nil || os.SameFile(x.info, y.info))
	})
}

// close closes what is still held.
func (l *listing) close() {
	for _, s := range l.files {
		s.close()
	}
}

func (s *source) close() {
	if s.held != nil {
		s.held.Close()
		s.held = nil
	}
}

// open has s held, and checks that it is what was listed. A pipe need not be.
func (s *source) open() error {
	if s.held == nil {
		f, err := os.Open(s.path)
		if err != nil {
			return err
		}
		s.held = f
	}
	info, err := s.held.Stat()
	if err == nil && s.info.Mode().IsRegular() && !os.SameFile(s.info, info) {
		err = &fs.PathError{Op: "open", Path: s.path, Err: errAnother}
	}
	return err
}
