package receiver

// buffers are the memory of a work, which the next one takes over.
type buffers struct {
	wire    []byte // the body as it came
	plain   []byte // decompressed; unused where it came plain
	split   splitter
	metas   []clientMeta
	stamp   []byte
	out     []byte   // the entries of the batch, one after the other
	ends    []int    // of the entries in out
	entries [][]byte // of the batch, in out
	undos   []undo
}

// What is kept of a buffer for the next request. Few need more.
const (
	maxKept      = 1 << 20 // bytes of a body, or of what is made of it
	maxKeptItems = 4 << 10 // entries
)

// emptied returns the buffers of b that are worth keeping, with nothing in them: what
// rests in the pool keeps no body and no stream in memory.
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

// kept returns buf for the next use, or nil where it has room for more than most.
func kept[T any](buf []T, most int) []T {
	if cap(buf) > most {
		return nil
	}
	return buf[:0]
}

// emptied is kept for what holds pointers. There are none behind the length of buf:
// since it was emptied last it has only grown.
func emptied[T any](buf []T) []T {
	clear(buf)
	return kept(buf, maxKeptItems)
}
