package logtail

import "errors"

// Buffer is a bounded first-in first-out queue of entries between
// [Logger.Write] and the uploader. [NewMemoryBuffer] and the spool package make
// one; package buffertest tests other implementations.
//
// All methods must be safe for concurrent use. A full Buffer drops its oldest entries to make
// room for new ones, and counts them. A method that hangs delays Write and uploads, but
// neither Stats of the Logger nor the deadline of Shutdown.
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
// The Logger reports the dropped entries in the stream. A Buffer that serves several Loggers
// in turn resets these counters in Claim, so that each drop is reported once.
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

var (
	// ErrBufferInUse is returned if another Logger uses the Buffer.
	ErrBufferInUse = errors.New("logtail: the buffer is used by another logger")
	// ErrBufferOwner is returned if the Buffer holds the entries of another identity.
	ErrBufferOwner = errors.New("logtail: the buffer belongs to another identity")
)
