package records

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxHeld bounds the number of files that are held open. A collector writes only to a few files, which
// are those that were changed last.
const maxHeld = 100

// maxListings bounds the number of listings.
const maxListings = 10

var (
	errAnother  = errors.New("another file than was listed: it was replaced meanwhile, so read again")
	errUnstable = errors.New("files are created and removed while they are listed, so some may be left out: read again")
)

// listing holds the files of the paths of an Input at one time.
type listing struct {
	files []*source
	errs  []error
}

// source is one file.
type source struct {
	path string
	info fs.FileInfo // nil for Stdin
	held *os.File    // nil if it is opened later
}

// snapshot lists files, and opens those that a collector may compress and remove before they are
// read. A file may change its name while the directory is listed, so that it is missed. So snapshot
// lists again until two listings agree.
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

// list lists the files of paths, each once, except those that were last written before since.
func list(paths []string, since time.Time) *listing {
	l := &listing{}
	seen := make(map[string]bool)
	add := func(path string, info fs.FileInfo) {
		if info != nil && info.ModTime().Before(since) {
			return
		}
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
			root += string(filepath.Separator) // so that a link to a directory is followed
		}
		filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (path == root || hasRecords(path)) {
				var info fs.FileInfo
				// Skip pipes in a directory, which would wait for a writer.
				if info, err = os.Stat(path); err == nil && (path == root || info.Mode().IsRegular()) {
					os.SameFile(info, info) // on Windows this may determine the identity of the file only now
					add(path, info)
				}
			}
			if err != nil {
				l.errs = append(l.errs, err)
			}
			return nil
		})
	}
	l.omitCompressed()
	return l
}

// omitCompressed removes the plain files that have just been compressed, and are about to be removed.
// A collector gives the compressed file the time of the plain one.
func (l *listing) omitCompressed() {
	packed := make(map[string]time.Time)
	for _, s := range l.files {
		if plain, ok := strings.CutSuffix(s.path, ".zst"); ok {
			packed[plain] = s.info.ModTime()
		}
	}
	l.files = slices.DeleteFunc(l.files, func(s *source) bool {
		at, ok := packed[s.path]
		return ok && s.info != nil && at.Equal(s.info.ModTime())
	})
}

func hasRecords(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".ndjson", ".jsonl", ".json":
		return true
	}
	return isPacked(path)
}

// isPacked reports whether a file of that name is never renamed.
func isPacked(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".zst", ".gz":
		return true
	}
	return false
}

// hold opens the plain files, beginning with the one that was changed last. A file that cannot be
// opened now is opened when it is read, which reports the error.
func (l *listing) hold() {
	plain := slices.DeleteFunc(slices.Clone(l.files), func(s *source) bool {
		return s.info == nil || !s.info.Mode().IsRegular() || isPacked(s.path)
	})
	slices.SortStableFunc(plain, func(x, y *source) int { return y.info.ModTime().Compare(x.info.ModTime()) })
	for _, s := range plain[:min(len(plain), maxHeld)] {
		// A file opened like this can be renamed and removed even on Windows.
		f, err := os.OpenInRoot(filepath.Dir(s.path), filepath.Base(s.path))
		if err != nil {
			continue // such as a link to another directory
		}
		s.held = f
	}
}

// size returns the known size of all files in bytes.
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

// close closes the files that are held open.
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

// open opens s, and checks that it is the listed file, unless it is a pipe.
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
