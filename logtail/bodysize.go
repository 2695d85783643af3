package logtail

const (
	growAfter = 16  // successes after which a size that the server refused is tried again
	minLimit  = 512 // bytes
)

// bodySize knows how long a body the server takes, from its answers. All sizes
// are bytes before compression.
type bodySize struct {
	limit     int // of a body, but for one of a single entry
	successes int // since limit changed
	smallest  int // the smallest body that the server took; 0: none
}

// accepted notes that the server took a body of size bytes.
func (b *bodySize) accepted(size int) {
	if b.smallest == 0 || size < b.smallest {
		b.smallest = size
	}
	if b.successes++; b.successes >= growAfter && b.limit < maxBody {
		b.limit, b.successes = min(2*b.limit, maxBody), 0
	}
}

// tooLarge notes that a body of size bytes was too large for the server.
func (b *bodySize) tooLarge(size int) {
	b.limit, b.successes = max(minLimit, min(b.limit, size/2)), 0
}

// blames reports whether it is its size that keeps a body of size bytes from the
// server: it took a smaller one.
func (b *bodySize) blames(size int) bool { return b.smallest > 0 && b.smallest < size }
