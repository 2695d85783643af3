package logtail_test

import (
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

// TestARefusedEntryBlocksNothingThatTheServerTakes: whatever stands beside it, the
// uploader looks behind it for an entry that speaks against it.
func TestARefusedEntryBlocksNothingThatTheServerTakes(t *testing.T) {
	const first, last = 3, 50
	for _, test := range []struct {
		name   string
		stray  bool // a 413 without a reason, which makes bodies small for a while
		poison []int
		large  int // has 300 KB
	}{
		{"two, as many as a body has just now", true, []int{first, first + 1}, -1},
		{"one before another that is larger than any body", false, []int{first}, first + 1},
		{"two before another that is larger than any body", true, []int{first, first + 1}, first + 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				refuse := poisonous(400, test.poison...)
				srv := newCollector(t, func(r *request) reply {
					if test.stray && r.n == 0 {
						return reply{status: 413}
					}
					return refuse(r)
				})
				l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.DisableCompression = true })
				for n := range first {
					writeSized(t, l, n, 150)
				}
				time.Sleep(time.Minute)
				for n := first; n < last; n++ {
					size := 100
					if n == test.large {
						size = 300_000
					}
					writeSized(t, l, n, size)
				}
				time.Sleep(time.Hour)
				s := l.Stats()
				c.Check(s.BufferedEntries, qt.Equals, 0)
				c.Check(s.RefusedEntries, qt.Equals, uint64(len(test.poison)))
				c.Check(srv.numbers(), qt.DeepEquals, append(count(first), count(last)[first+len(test.poison):]...))
				drain(t, l)
			})
		})
	}
}
