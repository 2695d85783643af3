package logtail

import (
	"errors"
	"fmt"
	"time"
)

// ErrClosed says that the Logger takes nothing more after its Shutdown.
var ErrClosed = errors.New("logtail: the logger is shut down")

// UndeliveredError says how much a Logger still held when it had to stop. Entries
// that the server has, but whose answer had not come, are among them.
type UndeliveredError struct {
	Entries int   // in the Buffer, and that of a Write which hangs in it
	Bytes   int64 // as the Buffer counts them
	Kept    bool  // the caller's own Buffer still holds the entries
	Err     error // why: the error of the context, its cause, and the error of the last attempt
}

// Error implements error.
func (e *UndeliveredError) Error() string {
	fate := "lost"
	if e.Kept {
		fate = "kept"
	}
	return fmt.Sprintf("logtail: %d entries (%d bytes) not delivered, %s: %v", e.Entries, e.Bytes, fate, e.Err)
}

// Unwrap returns e.Err.
func (e *UndeliveredError) Unwrap() error { return e.Err }

// Stats tells what a Logger holds and has done since it was made. Entries count
// once: what was written, or found in the Buffer, is buffered, delivered, refused
// or dropped. An entry that the Buffer dropped while it was under way is
// dropped, though the server may have it.
type Stats struct {
	BufferedEntries  int
	BufferedBytes    int64         // as the Buffer counts them
	BufferMaxBytes   int64         // the bound on BufferedBytes
	Oldest           time.Duration // age of the oldest buffered entry, by the wall clock
	DeliveredEntries uint64        // answered with 2xx
	DroppedEntries   uint64        // by a full Buffer, or because it failed
	DroppedBytes     uint64
	RefusedEntries   uint64 // refused by the server one by one, and given up
	Attempts         uint64 // requests sent
	LastError        error  // of the last attempt; nil after a success
}
