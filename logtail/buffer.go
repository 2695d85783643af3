package logtail

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
)

// Buffer is a bounded first-in first-out queue of entries between
// [Logger.Write] and the uploader. [NewMemoryBuffer] and the spool package make
// one; package buffertest tests other implementations.
//
// All methods must be safe for concurrent use. A full Buffer drops its oldest entries to make
// room for new ones, and counts them. If Append, Peek or Ack hangs, it delays Write and
// uploads, but neither Stats of the Logger nor the deadline of Shutdown.
type Buffer interface {
	// Append adds a copy of entry at the end. It never waits for the network. After it has
	// returned nil, the entry leaves the Buffer only by Ack, or by being the oldest in a
	// full Buffer.
	//
	// An error means that the entry was not added, and is not counted in BufferStats. Append
	// fails, without dropping other entries, if the entry is empty or larger than the whole
	// Buffer. If storage fails after Append has made room, the entries dropped for it are
	// counted.
	Append(entry []byte) error

	// Peek returns the oldest entries, at most limit bytes but at least one entry if there
	// is any, and the token that acknowledges them. It returns the same entries until Ack,
	// except those dropped in between. The caller must not change the entries, nor use
	// them after their Ack. Entries dropped after Peek stay readable until the next Peek
	// or Ack.
	Peek(limit int) (entries [][]byte, through uint64, err error)

	// Ack removes all entries up to and including the token of a Peek. It is idempotent,
	// and an older token changes nothing. An entry dropped since the Peek stays counted as
	// dropped. After an error, the entries may be returned again by Peek, or when the
	// Buffer is opened the next time.
	Ack(through uint64) error

	// Stats returns the counters. It never waits for a disk.
	Stats() BufferStats
}

// BufferStats are the counters of a Buffer.
//
// The Logger reports the dropped entries in the stream. If a Buffer serves one Logger after
// another, Claim sets DroppedEntries and DroppedBytes to zero for each Logger but the first, so
// that each drop is reported once.
type BufferStats struct {
	Entries        int    // held now
	Bytes          int64  // held now, as MaxBytes counts them; 0 when there are no entries
	MaxBytes       int64  // the bound on Bytes
	DroppedEntries uint64 // lost since the Buffer was made or opened
	DroppedBytes   uint64 // the sum of their lengths
}

// Claimer is an optional interface of a [Buffer] that serves only one Logger at a time, or
// only one identity. NewLogger calls Claim before it uses the Buffer, and Release is called
// when that Logger has ended.
type Claimer interface {
	// Claim reserves the Buffer for a Logger of owner. The error is [ErrBufferInUse] if
	// another Logger has it, or [ErrBufferOwner] if the entries belong to another identity.
	Claim(owner PublicID) error
	// Release ends the claim.
	Release()
}

// LossKeeper is an optional interface of a [Buffer] that outlives the process. It keeps the numbers of
// lost entries until they are reported, so that they survive a kill as the entries do. Without it,
// the Logger keeps these numbers in memory only.
type LossKeeper interface {
	// AddLosses counts entries that Append has refused, and the sum of their lengths. The
	// Buffer counts by itself what it drops. These counts are not in BufferStats.
	AddLosses(entries, bytes uint64)

	// Unreported returns the losses that are to be reported: all that no delivered report covers,
	// also those of earlier processes. It returns zeros while a report is in the Buffer. Like
	// Stats, it never waits for a disk.
	Unreported() (entries, bytes uint64)

	// AppendReport is Append for an entry that reports losses. The losses count
	// as reported once the entry is acknowledged, even if it was dropped between Peek and Ack.
	// If the entry is lost in another way, they are unreported again.
	AppendReport(entry []byte, entries, bytes uint64) error
}

var (
	// ErrBufferInUse is returned if another Logger uses the Buffer.
	ErrBufferInUse = errors.New("logtail: the buffer is used by another logger")
	// ErrBufferOwner is returned if the Buffer holds the entries of another identity.
	ErrBufferOwner = errors.New("logtail: the buffer belongs to another identity")
)

// defaultMemoryBuffer is the bound of the memory buffer of a Logger without a Buffer. It holds 68
// minutes of 10 KiB records every 5 s.
const defaultMemoryBuffer = 8 << 20 // bytes

var errEmptyEntry = errors.New("logtail: an entry cannot be empty")

// NewMemoryBuffer returns a Buffer that holds at most maxBytes bytes of
// entries in memory, or 8 MiB if maxBytes is not positive. The entries are
// lost when the process ends.
//
// maxBytes does not include the overhead of 24 bytes per entry and the rounding of the allocator.
// The Buffer implements [Claimer]: it serves any identity, but one Logger at a time.
func NewMemoryBuffer(maxBytes int64) Buffer {
	if maxBytes <= 0 {
		maxBytes = defaultMemoryBuffer
	}
	return &memoryBuffer{maxBytes: maxBytes}
}

type memoryBuffer struct {
	maxBytes int64 // immutable

	mu      sync.Mutex // guards the fields below
	queue   [][]byte   // the entries are queue[head:], oldest first; the slots before are nil
	head    int
	gone    uint64 // number of entries that have left, which is the sequence number of queue[head]
	bytes   int64
	dropped BufferStats // only DroppedEntries and DroppedBytes
	claimed bool
	served  bool // claimed at least once
}

func (b *memoryBuffer) Append(entry []byte) error {
	size := int64(len(entry))
	if size == 0 {
		return errEmptyEntry
	}
	if size > b.maxBytes {
		return fmt.Errorf("logtail: an entry of %d bytes does not fit in a buffer of %d", size, b.maxBytes)
	}
	owned := bytes.Clone(entry)

	b.mu.Lock()
	defer b.mu.Unlock()
	for b.bytes+size > b.maxBytes {
		b.dropped.DroppedEntries++
		b.dropped.DroppedBytes += uint64(len(b.queue[b.head]))
		b.popLocked()
	}
	// Move the queue down if half of its array is free, so that the array stays in
	// proportion to the number of entries.
	if len(b.queue) == cap(b.queue) && b.head > len(b.queue)/2 {
		n := copy(b.queue, b.queue[b.head:])
		clear(b.queue[n:])
		b.queue, b.head = b.queue[:n], 0
	}
	b.queue = append(b.queue, owned)
	b.bytes += size
	return nil
}

func (b *memoryBuffer) popLocked() {
	b.bytes -= int64(len(b.queue[b.head]))
	b.queue[b.head] = nil
	b.head++
	b.gone++
}

func (b *memoryBuffer) Peek(limit int) (entries [][]byte, through uint64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, size := 0, 0
	for _, e := range b.queue[b.head:] {
		size += len(e)
		if n > 0 && size > limit {
			break
		}
		n++
	}
	// Copy the slice headers, since an Append that drops entries clears those of the queue.
	return append([][]byte(nil), b.queue[b.head:b.head+n]...), b.gone + uint64(n), nil
}

func (b *memoryBuffer) Ack(through uint64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.gone < through && b.head < len(b.queue) {
		b.popLocked()
	}
	if b.head == len(b.queue) {
		b.head = 0
		b.queue = b.queue[:0]
		if cap(b.queue) > 64 {
			b.queue = nil // free the array, which may have grown in an outage
		}
	}
	return nil
}

func (b *memoryBuffer) Stats() BufferStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.dropped
	s.Entries, s.Bytes, s.MaxBytes = len(b.queue)-b.head, b.bytes, b.maxBytes
	return s
}

func (b *memoryBuffer) Claim(PublicID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.claimed {
		return ErrBufferInUse
	}
	if b.served {
		b.dropped = BufferStats{} // the last Logger has reported them
	}
	b.claimed, b.served = true, true
	return nil
}

func (b *memoryBuffer) Release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.claimed = false
}
