package spool

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"
)

// TestModel makes random calls, with restarts and kills. It checks that every accepted entry comes
// out in order or is counted as dropped, and that the files never exceed MaxBytes.
func TestModel(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) { model(t, seed) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func model(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 4))
	opts := Options{MaxBytes: []int64{4 << 10, 9 << 10, 1 << 20}[r.IntN(3)], Sync: Sync(r.IntN(3))}
	tr := newTracker(t, newMemDisk(), opts)
	tr.mustOpen()
	tr.s.segBytes = 300 + r.Int64N(4<<10)
	n := 0
	for range 300 {
		switch k := r.IntN(20); {
		case k < 11:
			tr.mustAppend(n)
			n++
		case k < 15:
			_, err := tr.deliver(r.IntN(4000))
			qt.Assert(t, err, qt.IsNil)
		case k < 17: // a batch in flight, part of which may be dropped
			entries, through, err := tr.s.Peek(r.IntN(4000))
			qt.Assert(t, err, qt.IsNil)
			tr.mustAppend(n)
			n++
			if r.IntN(3) == 0 {
				head, token := tr.s.head, through-min(through, uint64(r.IntN(3)))
				qt.Assert(t, tr.s.Ack(token), qt.IsNil)
				for i, e := range entries {
					if seq := through - uint64(len(entries)-1-i); head <= seq && seq <= token {
						tr.note(e)
					}
				}
			}
		case k < 18:
			time.Sleep(4 * time.Second)
		case k < 19:
			qt.Assert(t, tr.close(), qt.IsNil)
			tr.mustOpen()
		default: // the process is killed: no file is closed, and the lock is free
			tr.kill()
			tr.mustOpen()
		}
		s := tr.s.Stats()
		held, bytes := tr.s.held()
		qt.Assert(t, uint64(s.Entries), qt.Equals, held)
		qt.Assert(t, s.Bytes, qt.Equals, bytes)
		qt.Assert(t, tr.disk.totalLocked(), qt.Equals, tr.s.total)
	}
	tr.finish()
}

// TestPowerCut loses a part of what was not synced, and checks that everything synced is delivered,
// and that entries are in order.
func TestPowerCut(t *testing.T) {
	for seed := range uint64(400) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 5))
			sync := Sync(r.IntN(3))
			tr := newTracker(t, newMemDisk(), Options{Sync: sync})
			for round := range 3 {
				qt.Assert(t, tr.open(), qt.IsNil, qt.Commentf("seed %d", seed))
				tr.s.segBytes = 1000
				for n := range 1 + r.IntN(30) {
					tr.mustAppend(100*round + n)
					if r.IntN(5) == 0 {
						tr.deliver(500)
					}
				}
				if sync == Interval {
					time.Sleep(2*syncInterval + time.Second)
				}
				tr.kill()
				tr.disk.powerCut(r)
			}
			tr.mustOpen()
			tr.drain()
			qt.Assert(t, tr.s.Close(), qt.IsNil)
			if sync != Never {
				qt.Check(t, tr.missing(), qt.HasLen, 0, qt.Commentf("seed %d, sync %d", seed, sync))
			}
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
