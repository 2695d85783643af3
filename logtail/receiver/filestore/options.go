package filestore

import (
	"cmp"
	"time"
)

// Options are the settings of a [Store]. A zero field means its default. So does a negative
// field, unless its comment says otherwise.
type Options struct {
	MaxAge      time.Duration // age in days at which files are removed; default 30 days, negative: never
	MaxBytes    int64         // size of all files at which the oldest are removed; default 10 GiB, negative: no bound
	RotateBytes int64         // size of a file at which it is finished; default 64 MiB, at most MaxBytes/(2*Collections)
	MinFree     int64         // free space below which nothing is stored; default 256 MiB, negative: none; only on Linux, macOS and FreeBSD
	Collections int           // maximum number of collections; default 16
	Sync        bool          // fsync before Store returns, so that entries survive a power cut

	// Logf is called for each file that MaxAge or MaxBytes removes, and for each failure to
	// finish, repair or remove a file. It may be nil.
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

// withDefaults returns o with the defaults filled in.
func (o Options) withDefaults() Options {
	o.MaxAge = cmp.Or(o.MaxAge, DefaultMaxAge)
	o.MaxBytes = cmp.Or(o.MaxBytes, DefaultMaxBytes)
	o.RotateBytes = orDefault(o.RotateBytes, DefaultRotateBytes)
	o.MinFree = cmp.Or(o.MinFree, DefaultMinFree)
	o.Collections = orDefault(o.Collections, DefaultCollections)
	if o.MaxBytes > 0 {
		// The files being written, one per collection, thus take at most half of
		// MaxBytes, so that there is always a finished file to remove. A file holds at
		// least one batch, however small RotateBytes is.
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
