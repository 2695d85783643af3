package filestore

import (
	"cmp"
	"math"
	"time"
)

// Options are the settings of a [Store]. A zero field means its default, and a negative field
// means no limit.
type Options struct {
	// MaxAge is how long after the end of a day its files are removed, if the clock is trusted. The
	// default is 30 days.
	MaxAge time.Duration

	// MaxBytes bounds the size of all files. Beyond it, the largest collection loses its oldest
	// file. The default is 10 GiB.
	MaxBytes int64

	// MaxFileBytes is the size at which a file is finished. The default is 64 MiB, and at most
	// MaxBytes/(2*MaxCollections).
	MaxFileBytes int64

	// MinFreeBytes is the free space below which nothing is stored. The default is 256 MiB. It has
	// an effect only on Linux, macOS and FreeBSD.
	MinFreeBytes int64

	// MaxCollections is the maximum number of collections. The default is 16.
	MaxCollections int

	// Sync makes Store call fsync before it returns, so that entries survive a power cut.
	Sync bool

	// Logf is called for each file that MaxAge or MaxBytes removes, for each torn line that
	// Open repairs, and for failures to read, finish or remove a file. A failure that recurs is
	// logged once. It is also called if old files remain because the clock is not trusted, and
	// for a collection whose name differs from another one only in case. It may be nil.
	Logf func(format string, args ...any)
}

// Defaults of [Options].
const (
	DefaultMaxAge         = 30 * 24 * time.Hour
	DefaultMaxBytes       = 10 << 30  // bytes
	DefaultMaxFileBytes   = 64 << 20  // bytes
	DefaultMinFreeBytes   = 256 << 20 // bytes
	DefaultMaxCollections = 16
)

// withDefaults returns o with the defaults filled in. MaxAge, MaxBytes and MinFreeBytes remain
// negative if there is no limit.
func (o Options) withDefaults() Options {
	o.MaxAge = cmp.Or(o.MaxAge, DefaultMaxAge)
	o.MaxBytes = cmp.Or(o.MaxBytes, DefaultMaxBytes)
	o.MaxFileBytes = cmp.Or(o.MaxFileBytes, DefaultMaxFileBytes)
	o.MinFreeBytes = cmp.Or(o.MinFreeBytes, DefaultMinFreeBytes)
	o.MaxCollections = cmp.Or(o.MaxCollections, DefaultMaxCollections)
	if o.MaxFileBytes < 0 {
		o.MaxFileBytes = math.MaxInt64
	}
	expected := o.MaxCollections
	if o.MaxCollections < 0 {
		o.MaxCollections, expected = math.MaxInt, DefaultMaxCollections
	}
	if o.MaxBytes > 0 {
		// The files being written, one per collection, then take at most half of
		// MaxBytes, so that there is always a finished file to remove. A file holds at
		// least one batch, even if MaxFileBytes is smaller.
		o.MaxFileBytes = max(1, min(o.MaxFileBytes, o.MaxBytes/2/int64(expected)))
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	return o
}
