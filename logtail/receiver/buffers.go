package receiver

// buffers holds the memory of a work, which the next one reuses.
type buffers struct {
	wire    []byte // the body as it came
	plain   []byte // decompressed; unused if the body is not compressed
	split   splitter
	metas   []clientMeta
	stamp   []byte
	out     []byte   // the entries of the batch, one after the other
	ends    []int    // of the entries in out
	entries [][]byte // of the batch, in out
	undos   []undo
}

// Larger buffers are not kept for the next request. Few requests need them.
const (
	maxKept      = 1 << 20 // bytes of a body, or of what is made of it
	maxKeptItems = 4 << 10 // entries
)

// emptied returns the buffers for the next request. They are empty, so that the pool keeps no body
// and no stream in memory.
func (b buffers) emptied() buffers {
	return buffers{
		wire:    kept(b.wire, maxKept),
		plain:   kept(b.plain, maxKept),
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

// emptied is like kept, for items with pointers. There are none beyond the length of buf, because buf
// has only grown since it was last emptied.
func emptied[T any](buf []T) []T {
	clear(buf)
	return kept(buf, maxKeptItems)
}
