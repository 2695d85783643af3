package spool

import (
	"fmt"
	"slices"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

var testOwner = logtail.PublicID{7}

// books compares what went into the spools on one disk with what came out.
type books struct {
	t        *testing.T
	disk     *memDisk
	opts     Options
	s        *Spool
	accepted []int       // entries for which Append returned nil
	out      map[int]int // entries that Peek returned, and how often
	newest   int         // the highest number that was delivered since open
	lost     uint64      // the sum of Stats.DroppedEntries over all openings
}

func newBooks(t *testing.T, d *memDisk, opts Options) *books {
	return &books{t: t, disk: d, opts: opts, out: map[int]int{}, newest: -1}
}

// numbered returns entry n, which begins with its number.
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

// close closes the spool.
func (b *books) close() error {
	b.lost += b.s.Stats().DroppedEntries
	return b.s.Close()
}

// kill abandons the spool as a killed process does, without writing anything.
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
		if err == nil { // otherwise they may come again
			qt.Assert(b.t, n > b.newest, qt.IsTrue, qt.Commentf("%d after %d", n, b.newest))
			b.newest = n
		}
	}
	return len(entries), err
}

// note records an entry that Peek returned, and returns its number.
func (b *books) note(entry []byte) (n int) {
	_, err := fmt.Sscanf(string(entry[:min(6, len(entry))]), "%06d", &n)
	qt.Assert(b.t, err, qt.IsNil)
	qt.Assert(b.t, string(entry), qt.Equals, string(numbered(n)), qt.Commentf("an invented entry"))
	b.out[n]++
	return n
}

// drain delivers all entries. Errors are not expected.
func (b *books) drain() {
	for {
		n, err := b.deliver(3000)
		qt.Assert(b.t, err, qt.IsNil)
		if n == 0 {
			return
		}
	}
}

// missing returns the accepted entries that Peek never returned.
func (b *books) missing() []int {
	return slices.DeleteFunc(slices.Clone(b.accepted), func(n int) bool { return b.out[n] > 0 })
}

// check checks that the spool is empty and that every missing entry is counted. If extra is set, more
// may be counted, because a skipped number counts like an entry.
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
