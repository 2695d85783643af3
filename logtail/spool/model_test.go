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
	b := newBooks(t, newMemDisk(), opts)
	qt.Assert(t, b.open(), qt.IsNil)
	b.s.segBytes = 300 + r.Int64N(4<<10)
	n := 0
	for range 300 {
		switch k := r.IntN(20); {
		case k < 11:
			qt.Assert(t, b.append(n), qt.IsNil)
			n++
		case k < 15:
			_, err := b.deliver(r.IntN(4000))
			qt.Assert(t, err, qt.IsNil)
		case k < 17: // a batch in flight, part of which may be dropped
			entries, through, err := b.s.Peek(r.IntN(4000))
			qt.Assert(t, err, qt.IsNil)
			qt.Assert(t, b.append(n), qt.IsNil)
			n++
			if r.IntN(3) == 0 {
				head, token := b.s.head, through-min(through, uint64(r.IntN(3)))
				qt.Assert(t, b.s.Ack(token), qt.IsNil)
				for i, e := range entries {
					if seq := through - uint64(len(entries)-1-i); head <= seq && seq <= token {
						b.note(e)
					}
				}
			}
		case k < 18:
			time.Sleep(4 * time.Second)
		case k < 19:
			qt.Assert(t, b.close(), qt.IsNil)
			qt.Assert(t, b.open(), qt.IsNil)
		default: // the process is killed: no file is closed, and the lock is free
			b.kill()
			qt.Assert(t, b.open(), qt.IsNil)
		}
		s := b.s.Stats()
		held, bytes := b.s.held()
		qt.Assert(t, uint64(s.Entries), qt.Equals, held)
		qt.Assert(t, s.Bytes, qt.Equals, bytes)
		qt.Assert(t, b.disk.totalLocked(), qt.Equals, b.s.total)
	}
	b.drain()
	qt.Assert(t, b.close(), qt.IsNil)
	b.check(false)
}

// TestPowerCut loses a part of what was not synced, and checks that everything synced is delivered,
// and that entries are in order.
func TestPowerCut(t *testing.T) {
	for seed := range uint64(400) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 5))
			sync := Sync(r.IntN(3))
			b := newBooks(t, newMemDisk(), Options{Sync: sync})
			for round := range 3 {
				qt.Assert(t, b.open(), qt.IsNil, qt.Commentf("seed %d", seed))
				b.s.segBytes = 1000
				for n := range 1 + r.IntN(30) {
					qt.Assert(t, b.append(100*round+n), qt.IsNil)
					if r.IntN(5) == 0 {
						b.deliver(500)
					}
				}
				if sync == Interval {
					time.Sleep(2*syncInterval + time.Second)
				}
				b.kill()
				b.disk.powerCut(r)
			}
			qt.Assert(t, b.open(), qt.IsNil)
			b.drain()
			qt.Assert(t, b.s.Close(), qt.IsNil)
			if sync != Never {
				qt.Check(t, b.missing(), qt.HasLen, 0, qt.Commentf("seed %d, sync %d", seed, sync))
			}
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
