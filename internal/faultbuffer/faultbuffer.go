// Package faultbuffer makes a Buffer fail or hang in a test.
package faultbuffer

import (
	"sync"

	"github.com/go-netlog/netlog/logtail"
)

// Method is a method of a [Buffer].
type Method int

const (
	Append Method = iota
	Peek
	Ack
	Claim
)

// Buffer is a memory buffer that calls a function of the test before its methods. It is safe for
// concurrent use.
type Buffer struct {
	logtail.Buffer

	mu     sync.Mutex // guards before; not held during a call
	before map[Method]func() error
}

// New returns a Buffer that holds at most maxBytes bytes, or 8 MiB if maxBytes is 0.
func New(maxBytes int64) *Buffer {
	return &Buffer{Buffer: logtail.NewMemoryBuffer(maxBytes), before: map[Method]func() error{}}
}

// Before makes the following calls of m call f first, which may hang. A call fails if f returns an
// error.
func (b *Buffer) Before(m Method, f func() error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.before[m] = f
}

// Fail makes the following calls of m fail with err, or succeed again if err is nil.
func (b *Buffer) Fail(m Method, err error) { b.Before(m, func() error { return err }) }

func (b *Buffer) call(m Method) error {
	b.mu.Lock()
	f := b.before[m]
	b.mu.Unlock()
	if f == nil {
		return nil
	}
	return f()
}

// Append implements [logtail.Buffer].
func (b *Buffer) Append(entry []byte) error {
	if err := b.call(Append); err != nil {
		return err
	}
	return b.Buffer.Append(entry)
}

// Peek implements [logtail.Buffer].
func (b *Buffer) Peek(limit int) ([][]byte, uint64, error) {
	if err := b.call(Peek); err != nil {
		return nil, 0, err
	}
	return b.Buffer.Peek(limit)
}

// Ack implements [logtail.Buffer].
func (b *Buffer) Ack(through uint64) error {
	if err := b.call(Ack); err != nil {
		return err
	}
	return b.Buffer.Ack(through)
}

// Claim implements [logtail.Claimer].
func (b *Buffer) Claim(owner logtail.PublicID) error {
	if err := b.call(Claim); err != nil {
		return err
	}
	return b.Buffer.(logtail.Claimer).Claim(owner)
}

// Release implements [logtail.Claimer].
func (b *Buffer) Release() { b.Buffer.(logtail.Claimer).Release() }
