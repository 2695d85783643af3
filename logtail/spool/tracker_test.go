package spool

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

var testOwner = logtail.PublicID{7}

// tracker compares the entries that were appended to the spools on one disk with those that came out.
type tracker struct {
	t        *testing.T
	disk     *memDisk
	opts     Options
	s        *Spool
	accepted []int       // entries for which Append returned nil
	out      map[int]int // entries that Peek returned, and how often
	newest   int         // the highest number that was delivered since open
	lost     uint64      // the sum of Stats.DroppedEntries over all openings

	mu    sync.Mutex // guards lines
	lines []string   // lines of Logf
}

func newTracker(t *testing.T, d *memDisk, opts Options) *tracker {
	tr := &tracker{t: t, disk: d, opts: opts, out: map[int]int{}, newest: -1}
	tr.opts.Logf = func(format string, args ...any) {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		tr.lines = append(tr.lines, fmt.Sprintf(format, args...))
	}
	return tr
}

// openFilled opens a spool on an empty disk and appends entries 0 to n-1. Segments have at most
// segBytes bytes, or the usual number if segBytes is 0.
func openFilled(t *testing.T, opts Options, segBytes int64, n int) *tracker {
	t.Helper()
	tr := newTracker(t, newMemDisk(), opts)
	tr.mustOpen()
	tr.s.segBytes = cmp.Or(segBytes, tr.s.segBytes)
	for i := range n {
		tr.mustAppend(i)
	}
	return tr
}

// numbered returns entry n, which begins with its number.
func numbered(n int) []byte {
	return fmt.Appendf(nil, "%06d%*s", n, 10+n*97%230, ".")
}

func (tr *tracker) open() error { return tr.openOn(tr.disk) }

func (tr *tracker) openOn(d disk) error {
	s, err := open(d, testOwner, tr.opts)
	if err == nil {
		tr.s, tr.newest = s, -1
	}
	return err
}

func (tr *tracker) mustOpen() {
	tr.t.Helper()
	qt.Assert(tr.t, tr.open(), qt.IsNil)
}

// close closes the spool.
func (tr *tracker) close() error {
	tr.lost += tr.s.Stats().DroppedEntries
	return tr.s.Close()
}

// kill abandons the spool as a killed process does, without writing anything.
func (tr *tracker) kill() {
	tr.lost += tr.s.Stats().DroppedEntries
	tr.s.busy <- struct{}{}
	tr.s.syncer.stop()
	tr.s.mu.Lock()
	tr.s.closed = true
	tr.s.mu.Unlock()
	<-tr.s.busy
	tr.disk.locked = false
}

func (tr *tracker) append(n int) error {
	err := tr.s.Append(numbered(n))
	if err == nil {
		tr.accepted = append(tr.accepted, n)
	}
	return err
}

func (tr *tracker) mustAppend(n int) {
	tr.t.Helper()
	qt.Assert(tr.t, tr.append(n), qt.IsNil)
}

// deliver peeks and acknowledges once.
func (tr *tracker) deliver(limit int) (int, error) {
	entries, through, err := tr.s.Peek(limit)
	if err != nil {
		return 0, err
	}
	err = tr.s.Ack(through)
	for _, e := range entries {
		n := tr.note(e)
		if err == nil { // otherwise they may come again
			qt.Assert(tr.t, n > tr.newest, qt.IsTrue, qt.Commentf("%d after %d", n, tr.newest))
			tr.newest = n
		}
	}
	return len(entries), err
}

// note records an entry that Peek returned, and returns its number.
func (tr *tracker) note(entry []byte) (n int) {
	_, err := fmt.Sscanf(string(entry[:min(6, len(entry))]), "%06d", &n)
	qt.Assert(tr.t, err, qt.IsNil)
	qt.Assert(tr.t, string(entry), qt.Equals, string(numbered(n)), qt.Commentf("an entry that was not appended"))
	tr.out[n]++
	return n
}

// drain delivers all entries. Errors are not expected.
func (tr *tracker) drain() {
	for {
		n, err := tr.deliver(3000)
		qt.Assert(tr.t, err, qt.IsNil)
		if n == 0 {
			return
		}
	}
}

// finish delivers all entries, closes the spool, and checks it.
func (tr *tracker) finish() {
	tr.t.Helper()
	tr.drain()
	qt.Assert(tr.t, tr.close(), qt.IsNil)
	tr.check(false)
}

// missing returns the accepted entries that Peek never returned.
func (tr *tracker) missing() []int {
	return slices.DeleteFunc(slices.Clone(tr.accepted), func(n int) bool { return tr.out[n] > 0 })
}

// check checks that the spool is empty and that every missing entry is counted. If extra is set, more
// may be counted, because a skipped number counts like an entry.
func (tr *tracker) check(extra bool) {
	tr.t.Helper()
	missing := uint64(len(tr.missing()))
	if missing != tr.lost && !(extra && missing < tr.lost) {
		tr.t.Errorf("%d entries missing, %d counted: %v", missing, tr.lost, tr.missing())
	}
	s := tr.s.Stats()
	qt.Check(tr.t, s.Entries, qt.Equals, 0)
	qt.Check(tr.t, s.Bytes, qt.Equals, int64(0))
	qt.Check(tr.t, tr.disk.peak <= tr.s.maxBytes, qt.IsTrue, qt.Commentf("%d bytes on disk", tr.disk.peak))
}
