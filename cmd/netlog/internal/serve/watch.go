package serve

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// watched is a value read from files. Its owner checks once per second whether one of
// them has changed, so a fault is reported without a request. If reading fails, the old
// value stays.
type watched[T any] struct {
	// immutable
	paths []string
	read  func() (T, error)
	say   func(format string, args ...any)
	then  func() // called after a new value; may be nil

	value atomic.Pointer[T]
	stamp string // owned by the caller of check
}

// checkEvery is how often files are checked.
const checkEvery = time.Second

// watch reads the value for the first time, from the files in paths.
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

// check reads the files again if one has changed.
func (w *watched[T]) check() {
	stamp, err := stampOf(w.paths)
	if stamp == w.stamp {
		return
	}
	w.stamp = stamp // so that one fault is reported once
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

// stampOf returns a text that differs between versions of the files, or "" if one is
// missing.
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
