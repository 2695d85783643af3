package spool

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"
)

// day appends, delivers and restarts, and exceeds a small MaxBytes. It ignores errors, because the
// callers make calls fail.
func day(b *books) {
	for b.open() != nil {
	}
	for n := range 70 {
		b.append(n)
		switch {
		case n == 35:
			b.close()
			for b.open() != nil {
			}
		case n%9 == 8:
			b.deliver(1500)
		case n%20 == 19:
			time.Sleep(6 * time.Second)
		}
	}
}

// TestSpoolFailingCalls runs a day for each of its calls to the disk. The call fails, alone or with
// some of the next ones.
func TestSpoolFailingCalls(t *testing.T) {
	for _, test := range []struct {
		run  int
		step int
		err  error
	}{
		{run: 1, step: 1, err: errIO},
		{run: 4, step: 2, err: errNoSpace},
		{run: 60, step: 7, err: errIO},
	} {
		for _, sync := range []Sync{Interval, Always, Never} {
			for _, maxBytes := range []int64{1 << 20, 6 << 10} {
				t.Run(fmt.Sprintf("run=%d/sync=%d/max=%d", test.run, sync, maxBytes), func(t *testing.T) {
					opts := Options{MaxBytes: maxBytes, Sync: sync}
					for n := 1; failing(t, n, test.run, test.err, opts); n += test.step {
					}
				})
			}
		}
	}
}

// failing runs a day in which run calls fail, starting with the nth. It reports whether there was an
// nth call.
func failing(t *testing.T, n, run int, fault error, opts Options) (met bool) {
	synctest.Test(t, func(t *testing.T) {
		d := newMemDisk()
		b := newBooks(t, d, opts)
		calls := 0
		d.setFault(func(op, name string) error {
			calls++
			if calls < n || calls >= n+run {
				return nil
			}
			met = true
			return fault
		})
		day(b)
		d.setFault(nil)
		time.Sleep(2 * time.Minute)
		for n := 100; n < 105; n++ {
			qt.Assert(t, b.append(n), qt.IsNil, qt.Commentf("the disk works again"))
		}
		b.drain()
		b.lost += b.s.Stats().DroppedEntries
		b.check(run > 1)
		qt.Assert(t, b.s.Close(), qt.IsNil)
		qt.Assert(t, t.Failed(), qt.IsFalse, qt.Commentf("call %d, %d of them", n, run))
	})
	return met
}

// TestAppendDiskFull checks that a full disk refuses entries but still allows deliveries, and that
// entries are accepted again as soon as there is room.
func TestAppendDiskFull(t *testing.T) {
	d := newMemDisk()
	b := newBooks(t, d, Options{})
	qt.Assert(t, b.open(), qt.IsNil)
	qt.Assert(t, b.append(0), qt.IsNil)
	d.setFault(func(op, name string) error {
		if op == "create" || op == "write" && name != cursorName {
			return errNoSpace
		}
		return nil
	})
	for n := range 10 {
		qt.Assert(t, b.append(1+n), qt.ErrorIs, errNoSpace)
	}
	b.drain()
	d.setFault(nil)
	qt.Assert(t, b.append(20), qt.IsNil)
	b.drain()
	qt.Assert(t, b.close(), qt.IsNil)
	b.check(false)
}

// TestAppendFailingDiskPauses checks that a failing disk is used rarely, because a dying disk may
// take half a minute for each failure.
func TestAppendFailingDiskPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newMemDisk()
		var lines []string
		b := newBooks(t, d, Options{Logf: func(format string, args ...any) {
			lines = append(lines, fmt.Sprintf(format, args...))
		}})
		qt.Assert(t, b.open(), qt.IsNil)
		tries := 0
		d.setFault(func(op, _ string) error {
			if op == "create" {
				tries++
				return errIO
			}
			return nil
		})
		for range 120 { // 10 minutes of polls
			qt.Check(t, b.append(1), qt.ErrorIs, errIO)
			time.Sleep(5 * time.Second)
		}
		qt.Check(t, tries > 8 && tries < 15, qt.IsTrue, qt.Commentf("%d tries", tries))
		d.setFault(nil)
		time.Sleep(restTime)
		qt.Assert(t, b.append(2), qt.IsNil)
		b.drain()
		qt.Assert(t, b.close(), qt.IsNil)
		qt.Check(t, lines, qt.HasLen, 2, qt.Commentf("one line for the failure, one for its end"))
	})
}

// TestSyncFailure checks that a file is not synced again after a failure. The kernel would report
// success, although the data is lost.
func TestSyncFailure(t *testing.T) {
	d := newMemDisk()
	b := newBooks(t, d, Options{Sync: Always})
	qt.Assert(t, b.open(), qt.IsNil)
	qt.Assert(t, b.append(0), qt.IsNil)
	failed := ""
	d.setFault(func(op, name string) error {
		if op == "sync" {
			qt.Check(t, name, qt.Not(qt.Equals), failed, qt.Commentf("synced again"))
			if failed == "" {
				failed = name
				return errIO
			}
		}
		return nil
	})
	qt.Check(t, b.append(1), qt.ErrorIs, errIO)
	qt.Check(t, b.append(2), qt.IsNil)
	qt.Check(t, failed, qt.Not(qt.Equals), "")
	b.drain()
	qt.Assert(t, b.close(), qt.IsNil)
	qt.Check(t, b.out, qt.DeepEquals, map[int]int{0: 1, 2: 1})
}

// TestSpoolCallsPerEntry counts the calls while uploads succeed: one write for an entry, one for its
// delivery, and no sync.
func TestSpoolCallsPerEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newMemDisk()
		b := newBooks(t, d, Options{})
		qt.Assert(t, b.open(), qt.IsNil)
		qt.Assert(t, b.append(0), qt.IsNil)
		b.drain()
		calls := map[string]int{}
		d.setFault(func(op, _ string) error { calls[op]++; return nil })
		const polls = 120
		for n := range polls {
			qt.Assert(t, b.append(1+n), qt.IsNil)
			time.Sleep(time.Second)
			b.drain()
			time.Sleep(4 * time.Second)
		}
		delete(calls, "read")
		qt.Check(t, calls, qt.DeepEquals, map[string]int{"write": 2 * polls})
		qt.Assert(t, b.close(), qt.IsNil)
	})
}

// TestSpoolHungDisk checks that Stats, Claim and Release do not wait for the disk, and that Close
// gives up after 2 seconds.
func TestSpoolHungDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newMemDisk()
		b := newBooks(t, d, Options{})
		qt.Assert(t, b.open(), qt.IsNil)
		qt.Assert(t, b.append(0), qt.IsNil)
		awake := make(chan struct{})
		d.setFault(func(op, _ string) error {
			if op == "write" {
				<-awake
			}
			return nil
		})
		done := make(chan error)
		go func() { done <- b.s.Append(numbered(1)) }()
		go func() { done <- b.s.Append(numbered(2)) }()
		synctest.Wait()
		start := time.Now()
		qt.Check(t, b.s.Stats().Entries, qt.Equals, 1)
		qt.Check(t, b.s.Claim(testOwner), qt.IsNil)
		b.s.Release()
		qt.Check(t, time.Since(start), qt.Equals, time.Duration(0))
		qt.Check(t, b.s.Close(), qt.ErrorMatches, "spool: not closed, the disk does not answer")
		qt.Check(t, time.Since(start), qt.Equals, 2*time.Second)
		qt.Check(t, d.locked, qt.IsTrue)
		close(awake)
		first, second := <-done, <-done
		qt.Check(t, first == nil || second == nil, qt.IsTrue) // the call that hung succeeds
		synctest.Wait()
		qt.Check(t, d.locked, qt.IsFalse, qt.Commentf("unlocked when the call ends"))
		qt.Check(t, b.s.Append(numbered(3)), qt.ErrorIs, ErrClosed)
	})
}
