package logtail_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

// What is done about a refusal is the same, but every request waits.
func TestRetryAfterDelaysEntriesAfterRefusal(t *testing.T) {
	const n, poison = 8, 7
	for _, code := range []int{400, 413, 415, 422} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				refuse := poisonous(code, poison)
				if code == 415 {
					refuse = func(r *request) reply {
						if r.header.Get("Content-Encoding") != "" {
							return reply{status: code}
						}
						return reply{}
					}
				}
				var refused []bool
				srv := newCollector(t, func(r *request) reply {
					rep := refuse(r)
					rep.header = http.Header{"Retry-After": {"60"}}
					refused = append(refused, rep.status != 0)
					return rep
				})
				l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.FlushDelay = time.Second })
				for i := range n {
					size := 100
					if i == poison {
						size = 2000 // 413 speaks against an entry only where a smaller one was taken
					}
					writeSized(t, l, i, size)
				}
				time.Sleep(2 * time.Second)
				write(t, l, n, n+1) // in the next batch
				time.Sleep(time.Hour)
				drain(t, l)
				want := count(n + 1)
				if code != 415 {
					want = append(count(poison), poison+1)
				}
				c.Check(srv.numbers(), qt.DeepEquals, want)
				c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(n+1-len(want)))
				for i, gap := range srv.gaps() {
					if refused[i] {
						c.Check(gap >= time.Minute && gap <= 66*time.Second, qt.IsTrue, qt.Commentf("after request %d: %v", i, gap))
					}
				}
				c.Check(refused[0], qt.IsTrue)
			})
		})
	}
}
