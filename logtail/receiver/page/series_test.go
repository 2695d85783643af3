package page

import (
	"math/rand/v2"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/tunstats"
)

// TestSeriesAsMap compares a series with a plain map, for steps in and out of order.
func TestSeriesAsMap(t *testing.T) {
	c := qt.New(t)
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var s series
		model := make(map[int64]tunstats.Counts)
		now, from := int64(178_000_000), int64(0)
		for range 500 {
			step := now
			if random.IntN(10) == 0 {
				step -= random.Int64N(hourSteps)
			}
			n := tunstats.Counts{TxPackets: random.Uint64N(300), TxBytes: random.Uint64N(1 << 40), RxPackets: 1, RxBytes: random.Uint64N(300)}
			if step >= from {
				s.add(step, n)
				model[step] = model[step].Add(n)
			}
			now += random.Int64N(3)
			if random.IntN(50) == 0 {
				from = now - hourSteps/2
				s.cut(from, now)
				for step := range model {
					if step < from {
						delete(model, step)
					}
				}
			}
		}
		check := func(wide bool) {
			var all tunstats.Counts
			for _, n := range model {
				all = all.Add(n)
			}
			c.Assert(s.total, qt.Equals, all)
			c.Assert(s.sum(0), qt.Equals, all)
			for range 10 {
				from := now - random.Int64N(hourSteps)
				if wide {
					from -= from % wideSteps // samples are not divided
				}
				var want tunstats.Counts
				for step, n := range model {
					if step >= from {
						want = want.Add(n)
					}
				}
				c.Assert(s.sum(from), qt.Equals, want)
			}
		}
		check(false)
		long := len(s.data)
		s.widen(now - 10)
		check(true)
		c.Assert(len(s.data) < long, qt.IsTrue)
		s.add(now-hourSteps/3, tunstats.Counts{TxBytes: 5}) // into a wide sample
		model[now-hourSteps/3] = model[now-hourSteps/3].Add(tunstats.Counts{TxBytes: 5})
		check(true)
		s.cut(now+1, now)
		c.Assert(s.last.step, qt.Equals, int64(0))
	}
}
