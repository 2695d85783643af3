package receiver

// buffers holds the memory of a work that the next request reuses.
type buffers struct {
	wire    []byte     // the body as it arrived
	plain   []byte     // decompressed; unused if the body is not compressed
	gunzip  *gunzipper // nil before the first body with gzip
	split   splitter
	metas   []clientMeta
	stamp   []byte
	out     []byte   // the entries of the batch, one after the other
	ends    []int    // of the entries in out
	entries [][]byte // of the batch, in out
	undos   []undo
}

// Larger buffers are not kept for the next request, because few requests need them.
const (
	maxKept      = 1 << 20 // bytes
	maxKeptItems = 4 << 10 // entries
)

// emptied returns empty buffers for the next request. They refer to no body and no stream, so that
// the pool does not keep those in memory.
func (b buffers) emptied() buffers {
	return buffers{
		wire:    kept(b.wire, maxKept),
		plain:   kept(b.plain, maxKept),
		gunzip:  b.gunzip,
		split:   b.split.emptied(),
		metas:   emptied(b.metas),
		stamp:   kept(b.stamp, maxKept),
		out:     kept(b.out, 2*maxKept),
		ends:    kept(b.ends, maxKeptItems),
		entries: emptied(b.entries),
		undos:   emptied(b.undos),
	}
}

// kept returns buf for the next use, or nil if its capacity exceeds most.
func kept[T any](buf []T, most int) []T {
	if cap(buf) > most {
		return nil
	}
	return buf[:0]
}

// emptied is like kept for items with pointers, and clears them. Beyond the length of buf there are
// none, because buf has only grown since it was last emptied.
func emptied[T any](buf []T) []T {
	clear(buf)
	return kept(buf, maxKeptItems)
}
