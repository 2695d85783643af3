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
func day(tr *tracker) {
	for tr.open() != nil {
	}
	for n := range 70 {
		tr.append(n)
		switch {
		case n == 35:
			tr.close()
			for tr.open() != nil {
			}
		case n%9 == 8:
			tr.deliver(1500)
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
		tr := newTracker(t, d, opts)
		calls := 0
		d.setFault(func(op, name string) error {
			calls++
			if calls < n || calls >= n+run {
				return nil
			}
			met = true
			return fault
		})
		day(tr)
		d.setFault(nil)
		time.Sleep(2 * time.Minute)
		for n := 100; n < 105; n++ {
			qt.Assert(t, tr.append(n), qt.IsNil, qt.Commentf("the disk works again"))
		}
		tr.drain()
		tr.lost += tr.s.Stats().DroppedEntries
		tr.check(run > 1)
		qt.Assert(t, tr.s.Close(), qt.IsNil)
		qt.Assert(t, t.Failed(), qt.IsFalse, qt.Commentf("call %d, %d of them", n, run))
	})
	return met
}

// TestAppendDiskFull checks that a full disk refuses entries but still allows deliveries, and that
// entries are accepted again as soon as there is room.
func TestAppendDiskFull(t *testing.T) {
	tr := openFilled(t, Options{}, 0, 1)
	tr.disk.full(true)
	for n := range 10 {
		qt.Assert(t, tr.append(1+n), qt.ErrorIs, errNoSpace)
	}
	tr.drain()
	tr.disk.setFault(nil)
	tr.mustAppend(20)
	tr.finish()
}

// TestAppendFailingDiskPauses checks that a failing disk is used rarely, because a dying disk may
// take half a minute for each failure.
func TestAppendFailingDiskPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := openFilled(t, Options{}, 0, 0)
		tries := 0
		tr.disk.setFault(func(op, _ string) error {
			if op == "create" {
				tries++
				return errIO
			}
			return nil
		})
		for range 120 { // 10 minutes of polls
			qt.Check(t, tr.append(1), qt.ErrorIs, errIO)
			time.Sleep(5 * time.Second)
		}
		qt.Check(t, tries > 8 && tries < 15, qt.IsTrue, qt.Commentf("%d tries", tries))
		tr.disk.setFault(nil)
		time.Sleep(pauseTime)
		tr.mustAppend(2)
		tr.drain()
		qt.Assert(t, tr.close(), qt.IsNil)
		qt.Check(t, tr.lines, qt.HasLen, 2, qt.Commentf("one line for the failure, one for its end"))
	})
}

// TestSyncFailure checks that a file is not synced again after a failure. The kernel would report
// success, although the data is lost.
func TestSyncFailure(t *testing.T) {
	tr := openFilled(t, Options{Sync: Always}, 0, 1)
	failed := ""
	tr.disk.setFault(func(op, name string) error {
		if op == "sync" {
			qt.Check(t, name, qt.Not(qt.Equals), failed, qt.Commentf("synced again"))
			if failed == "" {
				failed = name
				return errIO
			}
		}
		return nil
	})
	qt.Check(t, tr.append(1), qt.ErrorIs, errIO)
	qt.Check(t, tr.append(2), qt.IsNil)
	qt.Check(t, failed, qt.Not(qt.Equals), "")
	tr.drain()
	qt.Assert(t, tr.close(), qt.IsNil)
	qt.Check(t, tr.out, qt.DeepEquals, map[int]int{0: 1, 2: 1})
}

// TestSpoolCallsPerEntry counts the calls while uploads succeed: one write for an entry, one for its
// delivery, and no sync.
func TestSpoolCallsPerEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := openFilled(t, Options{}, 0, 1)
		tr.drain()
		calls := map[string]int{}
		tr.disk.setFault(func(op, _ string) error { calls[op]++; return nil })
		const polls = 120
		for n := range polls {
			tr.mustAppend(1 + n)
			time.Sleep(time.Second)
			tr.drain()
			time.Sleep(4 * time.Second)
		}
		delete(calls, "read")
		qt.Check(t, calls, qt.DeepEquals, map[string]int{"write": 2 * polls})
		qt.Assert(t, tr.close(), qt.IsNil)
	})
}

// TestSpoolHungDisk checks that Stats, Claim and Release do not wait for the disk, and that Close
// gives up after 2 seconds.
func TestSpoolHungDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := openFilled(t, Options{}, 0, 1)
		awake := make(chan struct{})
		tr.disk.setFault(func(op, _ string) error {
			if op == "write" {
				<-awake
			}
			return nil
		})
		done := make(chan error)
		go func() { done <- tr.s.Append(numbered(1)) }()
		go func() { done <- tr.s.Append(numbered(2)) }()
		synctest.Wait()
		start := time.Now()
		qt.Check(t, tr.s.Stats().Entries, qt.Equals, 1)
		qt.Check(t, tr.s.Claim(testOwner), qt.IsNil)
		tr.s.Release()
		qt.Check(t, time.Since(start), qt.Equals, time.Duration(0))
		qt.Check(t, tr.s.Close(), qt.ErrorMatches, "spool: not closed, the disk does not answer")
		qt.Check(t, time.Since(start), qt.Equals, 2*time.Second)
		qt.Check(t, tr.disk.locked, qt.IsTrue)
		close(awake)
		first, second := <-done, <-done
		qt.Check(t, first == nil || second == nil, qt.IsTrue) // the call that hung succeeds
		synctest.Wait()
		qt.Check(t, tr.disk.locked, qt.IsFalse, qt.Commentf("unlocked when the call ends"))
		qt.Check(t, tr.s.Append(numbered(3)), qt.ErrorIs, ErrClosed)
	})
}

// TestSpoolHungDiskThenBroken checks that an error is logged if Close has given up waiting, and the disk then fails.
func TestSpoolHungDiskThenBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := openFilled(t, Options{}, 0, 1)
		awake := make(chan struct{})
		tr.disk.setFault(func(op, _ string) error {
			switch op {
			case "write":
				<-awake
			case "sync":
				return errIO
			}
			return nil
		})
		done := make(chan error)
		go func() { done <- tr.s.Append(numbered(1)) }()
		synctest.Wait()
		qt.Check(t, tr.s.Close(), qt.ErrorMatches, "spool: not closed, the disk does not answer")
		close(awake)
		qt.Check(t, <-done, qt.IsNil)
		qt.Check(t, tr.lines, qt.DeepEquals, []string{"spool: close: sync 0000000000000001.q: input/output error\nsync cursor: input/output error"})
	})
}
