package filestore

import (
	"cmp"
	"time"
)

// Options are the settings of [Store]. A zero field means the default it names, and
// a negative one too where it does not say otherwise.
type Options struct {
	MaxAge      time.Duration // how long entries are kept, to the day; default 30 days, negative: for ever
	MaxBytes    int64         // of all files, and a batch of each collection; the oldest go first; default 10 GiB, negative: no bound
	RotateBytes int64         // of a file, then it is compressed; default 64 MiB, at most MaxBytes/(2*Collections)
	MinFree     int64         // bytes the filesystem must keep free; default 256 MiB, negative: none; Linux, macOS and FreeBSD only
	Collections int           // directories at most, whose names differ in more than case; default 16
	Sync        bool          // fsync before Store returns, so that entries survive a power cut too

	// Logf gets a line for each file that was removed by MaxAge or MaxBytes, and for
	// what could not be rotated, repaired or removed; nil: silent.
	Logf func(format string, args ...any)
}

// Defaults of [Options].
const (
	DefaultMaxAge      = 30 * 24 * time.Hour
	DefaultMaxBytes    = 10 << 30  // bytes
	DefaultRotateBytes = 64 << 20  // bytes
	DefaultMinFree     = 256 << 20 // bytes
	DefaultCollections = 16
)

// withDefaults returns o with the fields set that mean a default.
func (o Options) withDefaults() Options {
	o.MaxAge = cmp.Or(o.MaxAge, DefaultMaxAge)
	o.MaxBytes = cmp.Or(o.MaxBytes, DefaultMaxBytes)
	o.RotateBytes = orDefault(o.RotateBytes, DefaultRotateBytes)
	o.MinFree = cmp.Or(o.MinFree, DefaultMinFree)
	o.Collections = orDefault(o.Collections, DefaultCollections)
	if o.MaxBytes > 0 {
		// So the files being written, one a collection, are half of it at most,
		// and there is always something old to remove. A file takes one batch at
		// least, however little this leaves it.
		o.RotateBytes = max(1, min(o.RotateBytes, o.MaxBytes/2/int64(o.Collections)))
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	return o
}

// orDefault returns n, or standard if n is not positive.
func orDefault[T int | int64](n, standard T) T {
	if n > 0 {
		return n
	}
	return standard
}
