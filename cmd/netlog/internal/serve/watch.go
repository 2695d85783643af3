package serve

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-netlog/netlog/internal/osfile"
)

// watched is a value that is parsed from files. Its owner calls check once per second.
//
// Only the content of the files counts, because a replaced file may have the time and the
// size of the old one. A new content is parsed when two checks find it, because a program
// may be writing it. If it has fewer lines than the content in force, it must stay the same
// for shrunkFor. If it is invalid, the old value remains.
type watched[T any] struct {
	// immutable
	paths []string
	parse func(files [][]byte) (T, error)
	say   func(format string, args ...any)
	then  func() // called after a new value; may be nil

	value atomic.Pointer[T]

	// The fields below are owned by the caller of check.
	lines  int       // of the files that value was parsed from
	parsed [][]byte  // the files that were parsed last
	latest [][]byte  // the files that were read last
	since  time.Time // when latest was read first
	fault  string    // what was said last, or "" if the files are as they were parsed
}

const (
	checkEvery = time.Second
	shrunkFor  = 10 * time.Second
)

// watch parses the files in paths for the first time.
func watch[T any](parse func([][]byte) (T, error), say func(string, ...any), paths ...string) (*watched[T], error) {
	w := &watched[T]{paths: paths, parse: parse, say: say}
	files, err := readFiles(paths)
	if err != nil {
		return nil, err
	}
	w.latest = files
	if err := w.use(files); err != nil {
		return nil, err
	}
	return w, nil
}

// get returns the value. It never waits.
func (w *watched[T]) get() T { return *w.value.Load() }

// use parses files. If they are valid, it replaces the value.
func (w *watched[T]) use(files [][]byte) error {
	w.parsed = files
	v, err := w.parse(files)
	if err != nil {
		return err
	}
	w.lines = countLines(files)
	w.value.Store(&v)
	return nil
}

// check reads the files, and parses them if they have changed.
func (w *watched[T]) check() {
	files, err := readFiles(w.paths)
	if err != nil {
		w.keep("%s; the old content stays in force", osfile.Text(err))
		return
	}
	names := strings.Join(w.paths, " and ")
	if !equalFiles(files, w.latest) {
		w.latest, w.since = files, time.Now()
		return
	}
	if equalFiles(files, w.parsed) {
		w.fault = ""
		return
	}
	if countLines(files) < w.lines && time.Since(w.since) < shrunkFor {
		w.keep("%s has fewer lines than before; the old content stays in force until nothing has changed for %v", names, shrunkFor)
		return
	}
	if err := w.use(files); err != nil {
		w.keep("%v; the old content stays in force", err)
		return
	}
	w.fault = ""
	w.say("netlog serve: read %s again", names)
	if w.then != nil {
		w.then()
	}
}

// keep says once why the old value stays in force.
func (w *watched[T]) keep(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); text != w.fault {
		w.fault = text
		w.say("netlog serve: %s", text)
	}
}

// readFiles returns the content of the files.
func readFiles(paths []string) (files [][]byte, err error) {
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		files = append(files, data)
	}
	return files, nil
}

// equalFiles reports whether two versions of the files are the same.
func equalFiles(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// countLines returns the number of complete lines in files.
func countLines(files [][]byte) (n int) {
	for _, f := range files {
		n += bytes.Count(f, []byte("\n"))
	}
	return n
}

// follow calls checks once per second until ctx ends.
func follow(ctx context.Context, checks []func()) {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for _, check := range checks {
				check()
			}
		}
	}
}
