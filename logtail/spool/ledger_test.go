package spool

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

// books compares the losses of the spools on one disk with those that they had reported. It uses a spool
// as a Logger does.
type books struct {
	t    *testing.T
	disk *memDisk
	opts Options
	s    *Spool

	tried   []string // entries that were accepted or refused, and reports that were accepted
	current string   // the entry that is being appended
	sent    map[string]bool
	reports int
	damaged bool // so the bytes are an estimate
}

func (b *books) open() {
	b.t.Helper()
	s, err := open(b.disk, testOwner, b.opts)
	qt.Assert(b.t, err, qt.IsNil)
	b.s = s
	s.segBytes = 300
}

// write appends entry n. It counts the entry if the spool refuses it.
func (b *books) write(n int) {
	e := string(numbered(n))
	b.current = e
	if b.s.Append([]byte(e)) != nil {
		b.s.AddLosses(1, uint64(len(e)))
	}
	b.tried = append(b.tried, e)
	b.current = ""
}

// report appends a report of what is not reported.
func (b *books) report() {
	entries, bytes := b.s.Unreported()
	if entries == 0 {
		return
	}
	b.reports++
	e := fmt.Sprintf("report %d %d %d", b.reports, entries, bytes)
	b.current = e
	if b.s.AppendReport([]byte(e), entries, bytes) == nil {
		b.tried = append(b.tried, e)
	}
	b.current = ""
}

// deliver peeks and acknowledges once. It returns false if there is nothing to deliver.
func (b *books) deliver(limit int) bool {
	entries, through, err := b.s.Peek(limit)
	qt.Assert(b.t, err, qt.IsNil)
	for _, e := range entries {
		b.sent[string(e)] = true
	}
	qt.Assert(b.t, b.s.Ack(through), qt.IsNil)
	return len(entries) > 0
}

// drain delivers everything and reports everything.
func (b *books) drain() {
	for range 3 {
		for b.deliver(1000) {
		}
		b.report()
	}
	n, _ := b.s.Unreported()
	qt.Assert(b.t, n, qt.Equals, uint64(0))
}

// check checks that the delivered reports count each entry that was not delivered once. The entry that was
// being appended when the process was killed may count or not.
func (b *books) check() {
	b.t.Helper()
	var told, lost losses
	for e := range b.sent {
		if strings.HasPrefix(e, "report") {
			var id int
			var l losses
			fmt.Sscanf(e, "report %d %d %d", &id, &l.entries, &l.bytes)
			told.add(l)
		}
	}
	for _, e := range b.tried {
		if !b.sent[e] {
			lost.add(losses{1, uint64(len(e))})
		}
	}
	with := lost
	if b.current != "" && !b.sent[b.current] {
		with.add(losses{1, uint64(len(b.current))})
	}
	if b.damaged {
		lost.bytes, with.bytes = told.bytes, told.bytes
	}
	qt.Check(b.t, told == lost || told == with, qt.IsTrue, qt.Commentf("told %v, lost %v or %v", told, lost, with))
}

// kill returns the books of a process that follows one that is killed now.
func (b *books) kill() *books {
	after := *b
	after.disk, after.s = b.disk.clone(), nil
	after.tried, after.sent = slices.Clone(b.tried), maps.Clone(b.sent)
	return &after
}

// lossyDay loses entries in a full spool, on a full disk and to damage, and reports, delivers and restarts
// in between.
func lossyDay(b *books) {
	for n := range 110 {
		full := n >= 20 && n < 24 || n >= 33 && n < 36
		if full {
			b.disk.full(true)
		}
		b.write(n)
		b.disk.full(false)
		switch {
		case n%11 == 10, n == 34:
			b.report()
		case n%13 == 12 && n < 60:
			b.deliver(700)
		case n == 29:
			b.disk.damage(b.s.segs[1].first)
			b.damaged = true
		case n == 37:
			b.drain()
		case n == 85:
			qt.Assert(b.t, b.s.Close(), qt.IsNil)
			b.open()
		}
	}
	qt.Assert(b.t, b.s.Stats().DroppedEntries > 0, qt.Equals, b.opts.MaxBytes == minMaxBytes)
}

// TestLossesReportedOnceAfterKillAtAnyCall kills a process before each of its calls to the disk. What the
// next process reports must be what got lost, in entries and bytes, with nothing left out or repeated.
func TestLossesReportedOnceAfterKillAtAnyCall(t *testing.T) {
	for _, maxBytes := range []int64{minMaxBytes, 1 << 20} {
		t.Run(fmt.Sprint(maxBytes), func(t *testing.T) {
			kills := 0
			for ; ; kills++ {
				b := &books{t: t, disk: newMemDisk(), opts: Options{MaxBytes: maxBytes, Sync: Never}, sent: map[string]bool{}}
				var after *books
				calls := 0
				b.disk.watch = func() {
					if calls++; calls == kills+1 {
						after = b.kill()
					}
				}
				b.open()
				lossyDay(b)
				if after == nil {
					b.drain()
					b.check()
					break
				}
				after.open()
				after.drain()
				after.check()
				qt.Assert(t, t.Failed(), qt.IsFalse, qt.Commentf("killed before call %d", kills+1))
			}
			t.Logf("%d kills", kills)
			qt.Check(t, kills > 150, qt.IsTrue)
		})
	}
}

// TestReportInFlight drops a report between Peek and Ack. It counts as delivered only if the Ack is that of
// the Peek that returned it.
func TestReportInFlight(t *testing.T) {
	for _, again := range []bool{false, true} {
		tr := openFilled(t, Options{MaxBytes: minMaxBytes, Sync: Never}, 400, 0)
		s := tr.s
		s.AddLosses(5, 500)
		qt.Assert(t, s.AppendReport([]byte("report"), 5, 500), qt.IsNil)
		n, _ := s.Unreported()
		qt.Check(t, n, qt.Equals, uint64(0), qt.Commentf("a report waits"))
		_, through, err := s.Peek(1000)
		qt.Assert(t, err, qt.IsNil)
		for n := 0; s.Stats().DroppedEntries == 0; n++ {
			tr.mustAppend(n)
		}
		dropped := s.Stats().DroppedEntries
		if again {
			tr.look(1000)
		}
		qt.Assert(t, s.Ack(through), qt.IsNil)
		want := dropped
		if again {
			want += 5
		}
		got, _ := s.Unreported()
		qt.Check(t, got, qt.Equals, want)
		tr.kill()
		tr.mustOpen()
		got, _ = tr.s.Unreported()
		qt.Check(t, got, qt.Equals, want, qt.Commentf("after a kill"))
		qt.Assert(t, tr.s.Close(), qt.IsNil)
	}
}

// TestReportNumberUsedAgain fails to write a report, and to record the failure. The next entry gets the same
// number, and must not be taken for the report.
func TestReportNumberUsedAgain(t *testing.T) {
	tr := openFilled(t, Options{Sync: Never}, 0, 1)
	tr.s.AddLosses(5, 500)
	writes := 0
	tr.disk.setFault(func(op, _ string) error {
		if op == "write" {
			if writes++; writes > 1 { // the first names the report
				return errNoSpace
			}
		}
		return nil
	})
	qt.Assert(t, tr.s.AppendReport([]byte("report"), 5, 500), qt.ErrorIs, errNoSpace)
	tr.disk.setFault(nil)
	tr.mustAppend(1)
	tr.kill()
	tr.mustOpen()
	n, bytes := tr.s.Unreported()
	qt.Check(t, n, qt.Equals, uint64(5))
	qt.Check(t, bytes, qt.Equals, uint64(500))
	tr.finish()
}

// TestLossesOnFailingDisk checks that the Spool writes no counts while it does not use a failing disk, and
// that it writes them with the next attempt.
func TestLossesOnFailingDisk(t *testing.T) {
	tr := openFilled(t, Options{Sync: Never}, 0, 0)
	writes := 0
	tr.disk.setFault(func(op, name string) error {
		if op == "create" {
			return errIO
		}
		if name == cursorName && op == "write" {
			writes++
		}
		return nil
	})
	for n := range 20 {
		qt.Assert(t, tr.append(n), qt.ErrorIs, errIO)
		tr.s.AddLosses(1, 10)
	}
	qt.Check(t, writes, qt.Equals, maxFailures)
	tr.s.health.until = tr.s.health.until.Add(-pauseTime)
	qt.Assert(t, tr.append(20), qt.ErrorIs, errIO)
	tr.s.AddLosses(1, 10)
	tr.kill()
	tr.disk.setFault(nil)
	tr.mustOpen()
	n, bytes := tr.s.Unreported()
	qt.Check(t, n, qt.Equals, uint64(21))
	qt.Check(t, bytes, qt.Equals, uint64(210))
	qt.Assert(t, tr.s.Close(), qt.IsNil)
}

// TestReportDamaged damages a report that waits. Its losses are reported again, and so is itself.
func TestReportDamaged(t *testing.T) {
	for _, restart := range []bool{false, true} {
		tr := openFilled(t, Options{Sync: Never}, 0, 0)
		tr.s.AddLosses(5, 500)
		qt.Assert(t, tr.s.AppendReport([]byte("report"), 5, 500), qt.IsNil)
		tr.disk.damage(1)
		if restart {
			tr.kill()
			tr.mustOpen()
		}
		tr.drain()
		n, _ := tr.s.Unreported()
		qt.Check(t, n, qt.Equals, uint64(6), qt.Commentf("restart: %v", restart))
		qt.Assert(t, tr.s.Close(), qt.IsNil)
	}
}
