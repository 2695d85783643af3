package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// watched is a value read from files, and read again after one of them has changed.
// Files that cannot be read leave the value as it was.
type watched[T any] struct {
	paths []string
	read  func() (T, error)
	say   func(format string, args ...any)
	value atomic.Pointer[T]

	// mu guards the fields below. Only the one who checks the files holds it.
	mu      sync.Mutex
	checked time.Time
	stamp   string
}

// checkEvery is how old what get returns can be.
const checkEvery = time.Second

// watch calls read, which reads the files of these paths, for the first time.
func watch[T any](read func() (T, error), say func(string, ...any), paths ...string) (*watched[T], error) {
	w := &watched[T]{paths: paths, read: read, say: say}
	stamp, err := stampOf(paths)
	if err != nil {
		return nil, err
	}
	v, err := read()
	if err != nil {
		return nil, err
	}
	w.value.Store(&v)
	w.stamp, w.checked = stamp, time.Now()
	return w, nil
}

// get returns the value, at most checkEvery behind the files.
func (w *watched[T]) get() T {
	if w.mu.TryLock() {
		if time.Since(w.checked) >= checkEvery {
			w.checkLocked()
			w.checked = time.Now()
		}
		w.mu.Unlock()
	}
	return *w.value.Load()
}

// checkLocked reads the files again where one has changed.
func (w *watched[T]) checkLocked() {
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
