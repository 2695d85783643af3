package spool

// DefaultMaxBytes is the default of Options.MaxBytes: 32 MiB.
const DefaultMaxBytes = 32 << 20

const minMaxBytes = 4 << 10 // the least value of Options.MaxBytes

// Options are the options of [Open]. The zero value is ready to use.
type Options struct {
	// MaxBytes bounds the total size of all files of the spool at any time. Zero means
	// DefaultMaxBytes. Less than 4 KiB is an error. A spool that is larger when it is opened
	// loses its oldest entries.
	MaxBytes int64

	// Sync decides what a power cut may lose. Zero means Interval.
	Sync Sync

	// Logf is called once when writing begins to fail, once when it works again, and whenever
	// damage is found. It may be nil. It is called without holding a lock, from the goroutine
	// that finds the fault.
	Logf func(format string, args ...any)
}
