package logtail

import "errors"

// Buffer is a bounded first-in first-out queue of entries between
// [Logger.Write] and the uploader. [NewMemoryBuffer] and the spool package make
// one; the buffertest package checks any other.
//
// All methods may be called from several goroutines at once. A full Buffer
// drops its oldest entries to make room for new ones and counts them. A method
// that hangs, on a disk that hangs, delays Write and uploads; Stats of the
// Logger does not wait for it, and Shutdown keeps its deadline.
type Buffer interface {
	// Append adds a copy of entry at the end. It never waits for the network.
	// Once it has returned nil, the entry leaves the Buffer by Ack, or by being
	// the oldest in a full Buffer, and in no other way.
	//
	// An error means that entry was not taken. It is not counted in BufferStats
	// then. An entry that is empty, or that the empty Buffer could not hold, is such
	// an error, and no other entry is dropped for it; where storage fails after room
	// was made, older ones can be gone, and are counted.
	Append(entry []byte) error

	// Peek returns the oldest entries, at most limit bytes of them but at least
	// one if there is any, and the token that acknowledges them. The answer stays
	// the same until Ack, but for entries dropped meanwhile. The caller must not
	// change the entries, and must not use them after their Ack. Those dropped
	// after Peek stay readable until the next Peek or Ack.
	Peek(limit int) (entries [][]byte, through uint64, err error)

	// Ack removes all entries up to and including the token of a Peek.
	// It is idempotent and monotone: an older token changes nothing. For an
	// entry dropped meanwhile it does nothing, and the entry stays counted
	// as dropped. After an error the entries may come again: from Peek where they
	// are still held, or else when the Buffer is opened anew.
	Ack(through uint64) error

	// Stats never waits for a disk.
	Stats() BufferStats
}

// BufferStats tells what a Buffer holds and what it had to drop.
//
// The Logger tells in the stream what the counters of drops say. A
// Buffer that serves one Logger after another starts them again at zero in its
// Claim, so that each drop is told once.
type BufferStats struct {
	Entries        int    // held now
	Bytes          int64  // held now, as MaxBytes counts them; 0 when there are no entries
	MaxBytes       int64  // the bound on Bytes
	DroppedEntries uint64 // lost since the Buffer was made or opened
	DroppedBytes   uint64 // the sum of their lengths
}

// Claimer is what a [Buffer] may implement besides, to serve one Logger at a
// time, or one identity only. NewLogger calls Claim before it touches the Buffer,
// and Release is called when that Logger has ended.
type Claimer interface {
	// Claim gives the Buffer to the Logger of owner. It returns an error that is
	// [ErrBufferInUse] while another one has it, or [ErrBufferOwner] where
	// the entries inside belong to another identity.
	Claim(owner PublicID) error
	// Release ends the claim.
	Release()
}

var (
	// ErrBufferInUse says that another Logger is using the Buffer.
	ErrBufferInUse = errors.New("logtail: the buffer is used by another logger")
	// ErrBufferOwner says that the Buffer holds the entries of another identity.
	ErrBufferOwner = errors.New("logtail: the buffer belongs to another identity")
)
