package serve

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// watched is a value read from files, and read again after one of them has changed:
// whoever has it checked once a second need not wait for a request to learn of a
// fault. Files that cannot be read leave the value as it was.
type watched[T any] struct {
	// immutable
	paths []string
	read  func() (T, error)
	say   func(format string, args ...any)
	then  func() // after it was read again; may be nil

	value atomic.Pointer[T]
	stamp string // owned by the one who calls check
}

// checkEvery is how far a value can be behind its files.
const checkEvery = time.Second

// watch calls read, which reads the files of these paths, for the first time.
func watch[T any](read func() (T, error), say func(string, ...any), paths ...string) (*watched[T], error) {
	w := &watched[T]{paths: paths, read: read, say: say}
	var err error
	if w.stamp, err = stampOf(paths); err != nil {
		return nil, err
	}
	v, err := read()
	if err != nil {
		return nil, err
	}
	w.value.Store(&v)
	return w, nil
}

// get returns the value. It never waits.
func (w *watched[T]) get() T { return *w.value.Load() }

// check reads the files again where one has changed.
func (w *watched[T]) check() {
	stamp, err := stampOf(w.paths)
	if stamp == w.stamp {
		return
	}
	w.stamp = stamp // so that one fault is told once
	var v T
	if err == nil {
		v, err = w.read()
	}
	if err != nil {
		w.say("netlog serve: %v; what it said before stays in force", err)
		return
	}
	w.value.Store(&v)
	w.say("netlog serve: read %s again", strings.Join(w.paths, " and "))
	if w.then != nil {
		w.then()
	}
}

// stampOf returns what tells one version of the files from the next, and "" where one
// is missing.
func stampOf(paths []string) (string, error) {
	var stamp strings.Builder
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(&stamp, info.ModTime().UnixNano(), info.Size())
	}
	return stamp.String(), nil
}

// follow calls each of checks once a second until ctx ends.
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
