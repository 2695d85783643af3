package spool

import (
	"fmt"
	"slices"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

var testOwner = logtail.PublicID{7}

// books tells what went into spools on one disk and what came out.
type books struct {
	t        *testing.T
	disk     *memDisk
	opts     Options
	s        *Spool
	accepted []int       // entries for which Append returned nil
	out      map[int]int // entries that Peek returned, and how often
	newest   int         // in this opening
	lost     uint64      // as Stats tells, over all openings
}

func newBooks(t *testing.T, d *memDisk, opts Options) *books {
	return &books{t: t, disk: d, opts: opts, out: map[int]int{}, newest: -1}
}

// numbered returns an entry that says which one it is.
func numbered(n int) []byte {
	return fmt.Appendf(nil, "%06d%*s", n, 10+n*97%230, ".")
}

func (b *books) open() error {
	s, err := open(b.disk, testOwner, b.opts)
	if err == nil {
		b.s, b.newest = s, -1
	}
	return err
}

// close ends this opening, with or without Close.
func (b *books) close() error {
	b.lost += b.s.Stats().DroppedEntries
	return b.s.Close()
}

// kill ends this opening as the end of the process does: nothing is written.
func (b *books) kill() {
	b.lost += b.s.Stats().DroppedEntries
	b.s.busy <- struct{}{}
	b.s.syncer.stop()
	b.s.mu.Lock()
	b.s.closed = true
	b.s.mu.Unlock()
	<-b.s.busy
	b.disk.locked = false
}

func (b *books) append(n int) error {
	err := b.s.Append(numbered(n))
	if err == nil {
		b.accepted = append(b.accepted, n)
	}
	return err
}

// deliver peeks and acknowledges once.
func (b *books) deliver(limit int) (int, error) {
	entries, through, err := b.s.Peek(limit)
	if err != nil {
		return 0, err
	}
	err = b.s.Ack(through)
	for _, e := range entries {
		n := b.note(e)
		if err == nil { // or else they may come again
			qt.Assert(b.t, n > b.newest, qt.IsTrue, qt.Commentf("%d after %d", n, b.newest))
			b.newest = n
		}
	}
	return len(entries), err
}

// note writes down an entry that came out.
func (b *books) note(entry []byte) (n int) {
	_, err := fmt.Sscanf(string(entry[:min(6, len(entry))]), "%06d", &n)
	qt.Assert(b.t, err, qt.IsNil)
	qt.Assert(b.t, string(entry), qt.Equals, string(numbered(n)), qt.Commentf("an invented entry"))
	b.out[n]++
	return n
}

// drain delivers all there is. Errors of a disk that is sound again are not expected.
func (b *books) drain() {
	for {
		n, err := b.deliver(3000)
		qt.Assert(b.t, err, qt.IsNil)
		if n == 0 {
			return
		}
	}
}

// missing returns the entries that were accepted and never came out.
func (b *books) missing() []int {
	return slices.DeleteFunc(slices.Clone(b.accepted), func(n int) bool { return b.out[n] > 0 })
}

// check says that what is missing is what was counted, or less where a number that had
// to be left out is counted like an entry, as extra allows.
func (b *books) check(extra bool) {
	b.t.Helper()
	missing := uint64(len(b.missing()))
	if missing != b.lost && !(extra && missing < b.lost) {
		b.t.Errorf("%d entries missing, %d counted: %v", missing, b.lost, b.missing())
	}
	s := b.s.Stats()
	qt.Check(b.t, s.Entries, qt.Equals, 0)
	qt.Check(b.t, s.Bytes, qt.Equals, int64(0))
	qt.Check(b.t, b.disk.peak <= b.s.maxBytes, qt.IsTrue, qt.Commentf("%d bytes on disk", b.disk.peak))
}
