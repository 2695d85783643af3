// Package backlog holds stored entries that wait to be shown. Storing never waits for showing.
package backlog

import (
	"bytes"
	"sync"
)

// Backlog is a queue of entries, bounded in bytes. It is safe for concurrent use.
type Backlog struct {
	maxBytes int
	wake     chan struct{}

	// mu guards the fields below.
	mu      sync.Mutex
	entries [][]byte
	bytes   int // of entries
	skipped uint64
}

// New returns an empty Backlog that holds at most maxBytes bytes of entries.
func New(maxBytes int) *Backlog {
	return &Backlog{maxBytes: maxBytes, wake: make(chan struct{}, 1)}
}

// Add adds copies of entries. It skips those that do not fit, and never waits.
func (b *Backlog) Add(entries [][]byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range entries {
		if b.bytes+len(e) > b.maxBytes {
			b.skipped++
			continue
		}
		b.entries = append(b.entries, bytes.Clone(e))
		b.bytes += len(e)
	}
	b.signal()
}

// Wake returns a channel that receives after an Add, and after a Next that leaves entries. It may also
// receive when there are no entries.
func (b *Backlog) Wake() <-chan struct{} { return b.wake }

func (b *Backlog) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Next removes and returns the first entry. It returns nil if there is none.
func (b *Backlog) Next() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.entries) == 0 {
		return nil
	}
	e := b.entries[0]
	b.entries[0], b.entries = nil, b.entries[1:]
	b.bytes -= len(e)
	if len(b.entries) == 0 {
		b.entries = nil // frees the memory of a long queue
	} else {
		b.signal()
	}
	return e
}

// All removes and returns all entries.
func (b *Backlog) All() [][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.entries
	b.entries, b.bytes = nil, 0
	return all
}

// Skipped returns the number of entries that did not fit since New.
func (b *Backlog) Skipped() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.skipped
}
