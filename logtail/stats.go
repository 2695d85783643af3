package logtail

import "time"

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
