package receiver

import (
	"cmp"
	"time"
)

// Limits bounds what one request and one node can make a [Handler] hold or store. A zero field
// means its default. So does a negative field, unless its comment says otherwise.
//
// Other bounds are fixed. The Handler holds 8 requests of a node, and decompresses and stores
// one of them at a time. Of all nodes it processes twice GOMAXPROCS at a time, and at least 4.
// A zstd window has at most 8 MiB. An entry is nested at most 64 levels deep and has at most
// 1,000 top-level members.
type Limits struct {
	BodyBytes    int // of a body as it arrives, compressed or not; default 1 MiB
	DecodedBytes int // of a body after decompression; default 8 MiB
	Entries      int // in a body; default 10,000
	EntryBytes   int // of an entry as it arrives; default 1 MiB

	// Requests is the number of requests held at once; default 128. Further requests are
	// answered 503. Unknown IDs may use at most half of them. One remote address (in IPv6
	// a /64) may use no more than it leaves free: at most half of all, and a quarter for
	// unknown IDs. All requests through a proxy share its address.
	Requests int

	ReadTimeout  time.Duration // for reading a body; default 30 s
	StoreTimeout time.Duration // for waiting for other requests of the node and for the Sink; default 15 s

	// QuotaBytes is what one node may send, in bytes an hour as they came
	// (compressed, and at least 1/16 of what is unpacked and stored), refused and
	// repeated ones too; default 12 MiB, negative: no limit. A new node begins with 4
	// hours' worth, and a quiet one saves up to 24, so in any time of T hours it can
	// store QuotaBytes*(T+24) and one body.
	QuotaBytes int64

	// NewIDs is the number of new IDs accepted per hour; default 1,000. A negative value
	// means no limit. The Handler remembers 65,536 nodes, and forgets those first that have
	// been silent the longest.
	NewIDs int
}

// Default limits.
const (
	DefaultBodyBytes    = 1 << 20 // bytes
	DefaultDecodedBytes = 8 << 20 // bytes
	DefaultEntries      = 10_000
	DefaultEntryBytes   = 1 << 20 // bytes
	DefaultRequests     = 128
	DefaultReadTimeout  = 30 * time.Second
	DefaultStoreTimeout = 15 * time.Second
	DefaultQuotaBytes   = 12 << 20 // bytes an hour: in 30 days less than DefaultMaxBytes
	DefaultNewIDs       = 1000     // an hour
)

// withDefaults returns l with the defaults filled in.
func (l Limits) withDefaults() Limits {
	l.BodyBytes = orDefault(l.BodyBytes, DefaultBodyBytes)
	l.DecodedBytes = orDefault(l.DecodedBytes, DefaultDecodedBytes)
	l.Entries = orDefault(l.Entries, DefaultEntries)
	l.EntryBytes = orDefault(l.EntryBytes, DefaultEntryBytes)
	l.Requests = orDefault(l.Requests, DefaultRequests)
	l.ReadTimeout = orDefault(l.ReadTimeout, DefaultReadTimeout)
	l.StoreTimeout = orDefault(l.StoreTimeout, DefaultStoreTimeout)
	l.QuotaBytes = cmp.Or(l.QuotaBytes, DefaultQuotaBytes)
	l.NewIDs = cmp.Or(l.NewIDs, DefaultNewIDs)
	return l
}

// orDefault returns n, or standard if n is not positive.
func orDefault[T int | int64 | time.Duration](n, standard T) T {
	if n > 0 {
		return n
	}
	return standard
}

// A bucket is a quota that refills steadily: it holds what may still be used. Use
// is allowed while there is anything left, and may go below zero by one use, so
// that a single large use is never impossible.
//
// Its methods take the time from the caller and may not be called concurrently.
type bucket struct {
	left float64
	at   time.Time // when left was right
}

// refill brings b up to now, at rate an hour, but to no more than most.
func (b *bucket) refill(now time.Time, rate, most float64) {
	if d := now.Sub(b.at); d > 0 {
		b.left = min(most, b.left+rate*d.Hours())
	}
	b.at = now
}

// wait returns how long it takes until something is left.
func (b *bucket) wait(rate float64) time.Duration {
	if b.left > 0 {
		return 0
	}
	const most = 1e5 // hours; many more are no Duration
	return time.Duration(min(most, (1-b.left)/rate) * float64(time.Hour))
}
