package receiver

import (
	"math"
	"time"
)

// Limits bounds what one request and one node can make a [Handler] hold or store. A zero field
// means its default, and a negative field means no limit.
//
// Other bounds are fixed. The Handler holds at most 8 requests of a node, and decompresses and
// stores one of them at a time. Of all nodes together, it decompresses and stores at most
// max(4, 2*GOMAXPROCS) requests at a time. A zstd window has at most 8 MiB. An entry is nested at
// most 64 levels deep and has at most 1,000 top-level members.
type Limits struct {
	MaxBodyBytes    int // of a body as it arrives, compressed or not; default 1 MiB
	MaxDecodedBytes int // of a body after decompression; default 8 MiB
	MaxEntries      int // in a body; default 10,000
	MaxEntryBytes   int // of an entry as it arrives; default 1 MiB

	// MaxRequests is the number of requests held at once; default 128. Further requests are
	// answered 503. Unknown IDs may use at most half of them. One address (in IPv6,
	// one /64) may not hold more requests than there are places left, so it gets at most half
	// of MaxRequests, or a quarter for unknown IDs. All requests through a proxy share its
	// address.
	MaxRequests int

	ReadTimeout  time.Duration // for reading a body; default 30 s
	StoreTimeout time.Duration // for waiting for other requests of the node and for the Sink; default 15 s

	// MaxBytesPerHour is the number of bytes that one node may send per hour; default 2 GiB.
	// Each body counts with its decompressed or its stored size, whichever is larger, even
	// if it is refused or repeated. A node may send an hour's worth at once, so in T hours
	// it can store MaxBytesPerHour*(T+1) bytes and one body.
	//
	// The default suits any Logger with default settings, which sends at most 2 MiB every 5
	// seconds. It does not keep one node from filling the disk of a Sink. For that, set it to
	// the disk space divided by the number of hours that entries are kept.
	MaxBytesPerHour int64

	// MaxNewIDsPerHour is the number of new IDs accepted per hour; default 1,000. The Handler
	// remembers 65,536 nodes. Beyond that, it forgets the nodes that have been silent the longest.
	MaxNewIDsPerHour int
}

// Default limits.
const (
	DefaultMaxBodyBytes     = 1 << 20 // bytes
	DefaultMaxDecodedBytes  = 8 << 20 // bytes
	DefaultMaxEntries       = 10_000
	DefaultMaxEntryBytes    = 1 << 20 // bytes
	DefaultMaxRequests      = 128
	DefaultReadTimeout      = 30 * time.Second
	DefaultStoreTimeout     = 15 * time.Second
	DefaultMaxBytesPerHour  = 2 << 30 // bytes an hour
	DefaultMaxNewIDsPerHour = 1000    // an hour
)

// withDefaults returns l with the defaults filled in.
func (l Limits) withDefaults() Limits {
	l.MaxBodyBytes = limit(l.MaxBodyBytes, DefaultMaxBodyBytes, math.MaxInt)
	l.MaxDecodedBytes = limit(l.MaxDecodedBytes, DefaultMaxDecodedBytes, math.MaxInt)
	l.MaxEntries = limit(l.MaxEntries, DefaultMaxEntries, math.MaxInt)
	l.MaxEntryBytes = limit(l.MaxEntryBytes, DefaultMaxEntryBytes, math.MaxInt)
	l.MaxRequests = limit(l.MaxRequests, DefaultMaxRequests, math.MaxInt)
	l.ReadTimeout = limit(l.ReadTimeout, DefaultReadTimeout, math.MaxInt64)
	l.StoreTimeout = limit(l.StoreTimeout, DefaultStoreTimeout, math.MaxInt64)
	l.MaxBytesPerHour = limit(l.MaxBytesPerHour, DefaultMaxBytesPerHour, math.MaxInt64)
	l.MaxNewIDsPerHour = limit(l.MaxNewIDsPerHour, DefaultMaxNewIDsPerHour, math.MaxInt)
	return l
}

// limit returns n, or standard if n is zero, or none if n is negative.
func limit[T int | int64 | time.Duration](n, standard, none T) T {
	switch {
	case n == 0:
		return standard
	case n < 0:
		return none
	}
	return n
}

// bucket is an allowance that refills steadily, up to that of one hour. It can be used while
// anything is left. A use may exceed the rest, so that large uses are possible too.
//
// Its methods may not be called concurrently.
type bucket struct {
	rate float64 // per hour
	left float64 // at the time at; may be negative
	at   time.Time
}

// newBucket returns a full bucket.
func newBucket(rate float64, now time.Time) bucket { return bucket{rate, rate, now} }

// wait returns how long it takes from now until something is left.
func (b *bucket) wait(now time.Time) time.Duration {
	if d := now.Sub(b.at); d > 0 {
		b.left = min(b.rate, b.left+b.rate*d.Hours())
	}
	b.at = now
	if b.left > 0 {
		return 0
	}
	const most = 1e5 // hours; a Duration cannot hold many more
	return time.Duration(min(most, (1-b.left)/b.rate) * float64(time.Hour))
}
