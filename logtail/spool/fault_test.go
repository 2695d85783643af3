package spool

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"
)

// day is a script with everything in it: appends, uploads, a restart, a bound
// that is passed. Errors are what it is about, so it goes on after each.
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

// TestEveryCallFails lets each call that a day makes of the disk fail in turn,
// alone or with some of the next ones.
func TestEveryCallFails(t *testing.T) {
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
			for _, maxBytes := range []int64{1 << 20, 12 << 10} {
				t.Run(fmt.Sprintf("run=%d/sync=%d/max=%d", test.run, sync, maxBytes), func(t *testing.T) {
					opts := Options{MaxBytes: maxBytes, Sync: sync}
					for n := 1; failing(t, n, test.run, test.err, opts); n += test.step {
					}
				})
			}
		}
	}
}

// failing runs a day whose calls from the nth on fail, run of them, and reports
// whether there was an nth.
func failing(t *testing.T, n, run int, fault error, opts Options) (met bool) {
	synctest.Test(t, func(t *testing.T) {
		d := newMemDisk()
		b := newBooks(t, d, opts)
		calls := 0
		d.fault = func(op, name string) error {
			calls++
			if calls < n || calls >= n+run {
				return nil
			}
			met = true
			return fault
		}
		day(b)
		d.fault = nil
		time.Sleep(2 * time.Minute)
		for n := 100; n < 105; n++ {
			qt.Assert(t, b.append(n), qt.IsNil, qt.Commentf("the disk is sound again"))
		}
		b.drain()
		b.lost += b.s.Stats().DroppedEntries
		b.check(run > 10)
		qt.Assert(t, b.s.Close(), qt.IsNil)
		qt.Assert(t, t.Failed(), qt.IsFalse, qt.Commentf("call %d, %d of them", n, run))
	})
	return met
}
