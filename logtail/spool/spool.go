package spool

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-netlog/netlog/logtail"
)

var (
	// ErrLocked is returned by Open, and later by Append, if another Spool uses the directory.
	ErrLocked = errors.New("spool: the directory is in use")
	// ErrOwner is returned by Open if the directory belongs to another identity.
	ErrOwner = errors.New("spool: the directory belongs to another identity")
	// ErrClosed is returned by the methods of a closed Spool.
	ErrClosed = errors.New("spool: closed")
)

// Spool is a [logtail.Buffer] in a directory. It is created by [Open].
//
// All methods are safe for concurrent use. Methods that access files wait for each other.
// Stats, Claim and Release never wait for a disk, and Close waits for 2 seconds at most.
type Spool struct {
	// The fields below are immutable after Open.
	owner    logtail.PublicID
	maxBytes int64
	segBytes int64 // the maximum size of a segment
	sync     Sync
	logf     func(format string, args ...any) // may be nil

	// busy serializes all file access, because frames must be written in the order of their
	// numbers. Sending to it locks it. It is a channel and not a mutex so that Close need
	// not wait forever for a disk that hangs.
	busy chan struct{}

	queue       // busy guards this field and those below, up to lines
	disk   disk // nil after Close
	syncer syncer
	health health
	taken  error    // set if another process uses the directory
	lines  []string // for logf, after busy is released

	abandoned atomic.Bool // Close has given up waiting; the goroutine that holds busy must close the files

	mu         sync.Mutex // guards the fields below; never held during a file operation
	stats      logtail.BufferStats
	unreported losses
	closed     bool
	claimed    bool
	served     bool // claimed at least once
}

// Open opens the spool in dir. It creates dir and its parents if they do not exist, with mode 0700. On Unix,
// Open refuses a directory or file that belongs to another user than root and the user of the
// process, or that the group or everyone may write. There is one exception: Kubernetes makes a
// volume writable for the group at each mount. So if an earlier Spool of this user has created
// the directory or file, Open removes the write permission of the group and continues. Other
// files in dir are ignored.
//
// If another process uses the directory, Open waits for up to 2 seconds, because daemons
// overlap when they restart, and then returns [ErrLocked]. If the entries belong to another
// identity, it returns [ErrOwner]. Damage is not an error: Open keeps what it can read, and
// Stats counts what is missing. A file that the process is not allowed to read is an error,
// and nothing is removed.
//
// The caller must close the Spool after shutting down the Logger that uses it.
func Open(dir string, owner logtail.PublicID, opts Options) (*Spool, error) {
	d, err := openDir(dir)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	s, err := open(d, owner, opts)
	switch {
	case errors.Is(err, ErrLocked), errors.Is(err, ErrOwner):
		return nil, fmt.Errorf("%w: %s", err, dir)
	case err != nil:
		return nil, fmt.Errorf("spool: %w", err)
	}
	return s, nil
}

// open opens the spool on d. It closes d if it fails.
func open(d disk, owner logtail.PublicID, opts Options) (_ *Spool, err error) {
	s := &Spool{
		disk:     d,
		owner:    owner,
		maxBytes: cmp.Or(opts.MaxBytes, DefaultMaxBytes),
		sync:     opts.Sync,
		logf:     opts.Logf,
		busy:     make(chan struct{}, 1),
	}
	defer func() {
		if err != nil {
			s.closeFiles()
		}
	}()
	switch {
	case owner == logtail.PublicID{}:
		return nil, errors.New("owner: is the zero PublicID, which no Logger has")
	case s.maxBytes < minMaxBytes:
		return nil, fmt.Errorf("MaxBytes: %d is less than %d", s.maxBytes, minMaxBytes)
	case s.sync > Never:
		return nil, fmt.Errorf("Sync: unknown value %d", s.sync)
	}
	s.segBytes = min(max(s.maxBytes/8, 4<<10), 1<<20)
	s.stats.MaxBytes = s.maxBytes
	if err := waitLock(d); err != nil {
		return nil, err
	}
	s.busy <- struct{}{}
	err = s.recover()
	s.unlock()
	if err != nil {
		return nil, err
	}
	return s, nil
}

// waitLock locks the directory. It waits a moment for a process that is about to end.
func waitLock(d disk) error {
	const maxWait, pause = 2 * time.Second, 50 * time.Millisecond
	for range maxWait / pause {
		if err := d.Lock(); !errors.Is(err, ErrLocked) {
			return err
		}
		time.Sleep(pause)
	}
	return d.Lock()
}

// Close syncs the entries to disk, unless the policy is [Never], and unlocks the directory. A second
// Close returns nil.
//
// If another call hangs on the disk, Close returns an error after 2 seconds. The directory is then
// unlocked when that call ends, and an error that this causes is passed to Options.Logf.
func (s *Spool) Close() error {
	s.mu.Lock()
	was := s.closed
	s.closed = true
	s.mu.Unlock()
	if was {
		return nil
	}
	maxWait := time.NewTimer(2 * time.Second)
	defer maxWait.Stop()
	select {
	case s.busy <- struct{}{}:
	case <-maxWait.C:
		s.abandoned.Store(true)
		select {
		case s.busy <- struct{}{}: // just released
		default:
			return errors.New("spool: not closed, the disk does not answer")
		}
	}
	err := s.finish()
	s.unlock()
	if err != nil {
		return fmt.Errorf("spool: close: %w", err)
	}
	return nil
}

// finish does the work of Close. A second call does nothing.
func (s *Spool) finish() error {
	if s.disk == nil {
		return nil
	}
	var err error
	if n, _ := s.held(); n > 0 || s.ledger.lost != (losses{}) {
		err = s.restore()
	}
	if err == nil {
		err = s.syncAtEnd()
	}
	return errors.Join(err, s.closeFiles())
}

// closeFiles closes all files, and last the directory with its lock.
func (s *Spool) closeFiles() error {
	s.syncer.stop()
	s.closeReader()
	s.closeOut()
	var err error
	if s.cursor.file != nil {
		err = errors.Join(err, s.cursor.file.Close())
		s.cursor.file = nil
	}
	err = errors.Join(err, s.disk.Close())
	s.disk = nil
	return err
}

// lock locks busy.
func (s *Spool) lock() error {
	s.busy <- struct{}{}
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		s.unlock()
		return ErrClosed
	}
	return nil
}

// unlock unlocks busy, and finishes for a Close that has given up waiting.
func (s *Spool) unlock() {
	lines := s.lines
	s.lines = nil
	<-s.busy
	// Check abandoned after unlocking: a Close that sets it later can lock busy itself.
	if s.abandoned.Load() {
		select {
		case s.busy <- struct{}{}:
			if err := s.finish(); err != nil { // no caller is left to return it to
				s.logLater("spool: close: %v", err)
			}
			lines = append(lines, s.lines...)
			s.lines = nil
			<-s.busy
		default: // the goroutine that holds busy will do it
		}
	}
	if s.logf != nil {
		for _, line := range lines {
			s.logf("%s", line)
		}
	}
}

// logLater keeps a line for Logf until busy is unlocked, since the callback may be slow or call the Spool.
func (s *Spool) logLater(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}
