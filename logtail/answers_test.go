package logtail_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

func TestAnySuccessDeliversOnce(t *testing.T) {
	for _, code := range []int{200, 201, 202, 204, 299} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				srv := newCollector(t, status(code))
				l := startLogger(t, srv, nil)
				write(t, l, 0, 1)
				synctest.Wait()
				c.Check(l.Stats().BufferedEntries, qt.Equals, 0)
				time.Sleep(time.Hour)
				c.Check(len(srv.seen()), qt.Equals, 1)
				c.Check(l.Stats().DeliveredEntries, qt.Equals, uint64(1))
				drain(t, l)
				c.Check(srv.numbers(), qt.DeepEquals, count(1))
			})
		})
	}
}

func TestServerErrorsAreRetriedWithBackoff(t *testing.T) {
	for _, code := range []int{408, 500, 501, 502, 503, 504, 599} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				srv := newCollector(t, sequence(slices.Repeat([]int{code}, 12)...))
				l := startLogger(t, srv, nil)
				write(t, l, 0, 10)
				time.Sleep(2 * time.Hour)
				write(t, l, 10, 20)
				drain(t, l)
				c.Check(srv.numbers(), qt.DeepEquals, count(20))
				for i, gap := range srv.gaps()[:12] {
					full := min(5*time.Minute, 2*time.Second<<i)
					c.Check(gap >= full/2 && gap <= full, qt.IsTrue, qt.Commentf("pause %d: %v of %v", i, gap, full))
				}
			})
		})
	}
}

func TestNetworkErrorsAreRetriedWithBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, func(r *request) reply {
			if r.n < 20 {
				return reply{err: errRefused}
			}
			return reply{}
		})
		l := startLogger(t, srv, nil)
		write(t, l, 0, 3)
		time.Sleep(3 * time.Hour)
		drain(t, l)
		c.Check(srv.numbers(), qt.DeepEquals, count(3))
		for i, gap := range srv.gaps() {
			full := min(5*time.Minute, 2*time.Second<<min(i, 10))
			c.Check(gap >= full/2 && gap <= full, qt.IsTrue, qt.Commentf("pause %d: %v", i, gap))
		}
	})
}

func TestNoAnswerTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, func(r *request) reply { return reply{hang: r.n == 0} })
		l := startLogger(t, srv, nil)
		write(t, l, 0, 1)
		time.Sleep(time.Minute)
		c.Check(srv.numbers(), qt.DeepEquals, count(1))
		gap := srv.gaps()[0]
		c.Check(gap >= 46*time.Second && gap <= 47*time.Second, qt.IsTrue, qt.Commentf("%v", gap))
		drain(t, l)
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	date := "Mon, 23 Nov 2026 10:00:00 GMT"
	for _, test := range []struct {
		name, value, date string
		min, max          time.Duration
	}{
		{"seconds", "60", "", 60 * time.Second, 66 * time.Second},
		{"one second", "1", "", time.Second, 1100 * time.Millisecond},
		{"an hour is too long", "3600", "", 5 * time.Minute, 5*time.Minute + 30*time.Second},
		{"IMF-fixdate against Date", "Mon, 23 Nov 2026 10:01:00 GMT", date, 60 * time.Second, 66 * time.Second},
		{"RFC 850 against Date", "Monday, 23-Nov-26 10:01:00 GMT", date, 60 * time.Second, 66 * time.Second},
		{"asctime against Date", "Mon Nov 23 10:01:00 2026", date, 60 * time.Second, 66 * time.Second},
		{"a far date is too long", "Fri, 31 Dec 9999 23:59:59 GMT", date, 5 * time.Minute, 5*time.Minute + 30*time.Second},
		{"zero is none", "0", "", 0, 0},
		{"negative is none", "-5", "", 0, 0},
		{"a float is none", "1e9", "", 0, 0},
		{"an overflow is none", "9223372037", "", 0, 0},
		{"20 digits are none", "99999999999999999999", "", 0, 0},
		{"a past date is none", "Mon, 23 Nov 2026 09:59:00 GMT", date, 0, 0},
		{"a date without Date is none", "Mon, 23 Nov 2026 10:01:00 GMT", "", 0, 0},
		{"words are none", "soon", date, 0, 0},
	} {
		for _, code := range []int{429, 503, 500, 404} {
			t.Run(fmt.Sprint(test.name, " with ", code), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := qt.New(t)
					srv := newCollector(t, func(r *request) reply {
						if r.n > 0 {
							return reply{}
						}
						h := http.Header{"Retry-After": {test.value}}
						if test.date != "" {
							h["Date"] = []string{test.date}
						}
						return reply{status: code, header: h}
					})
					l := startLogger(t, srv, nil)
					write(t, l, 0, 1)
					time.Sleep(time.Hour)
					drain(t, l)
					c.Assert(srv.numbers(), qt.DeepEquals, count(1))
					lo, hi := test.min, test.max
					switch {
					case lo == 0 && code == 429:
						lo, hi = 16*time.Second, 32*time.Second
					case lo == 0:
						lo, hi = time.Second, 2*time.Second
					}
					gap := srv.gaps()[0]
					c.Check(gap >= lo && gap <= hi, qt.IsTrue, qt.Commentf("%v, want %v to %v", gap, lo, hi))
				})
			})
		}
	}
}

func TestFlappingServerIsNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var log logLines
		srv := newCollector(t, func(r *request) reply {
			if r.n%2 == 0 {
				return reply{status: 429, header: http.Header{"Retry-After": {"1"}}}
			}
			return reply{}
		})
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Logf = log.Logf })
		for n := range 600 {
			write(t, l, n, n+1)
			time.Sleep(time.Second)
		}
		drain(t, l)
		c.Check(srv.numbers(), qt.DeepEquals, count(600))
		c.Check(len(srv.seen()) < 1210, qt.IsTrue, qt.Commentf("%d requests", len(srv.seen())))
		c.Check(slices.Min(refusedGaps(srv)) >= time.Second, qt.IsTrue)
		c.Check(len(log.all()) <= 4, qt.IsTrue, qt.Commentf("%q", log.all()))
	})
}

// refusedGaps returns the pauses after each answer of the flapping server that
// was not a success.
func refusedGaps(srv *collector) (gaps []time.Duration) {
	for i, gap := range srv.gaps() {
		if i%2 == 0 {
			gaps = append(gaps, gap)
		}
	}
	return gaps
}

func TestTooLargeBatchIsHalved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, func(r *request) reply {
			if len(r.body) > 64<<10 {
				return reply{status: 413}
			}
			return reply{}
		})
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.FlushDelay = time.Second })
		for n := range 1000 {
			writeSized(t, l, n, 1000)
		}
		drain(t, l)
		c.Check(srv.numbers(), qt.DeepEquals, count(1000))
		refused := 0
		for _, r := range srv.seen() {
			if len(r.body) > 64<<10 {
				refused++
			}
		}
		// 1.1 MiB needs 18 requests of that size: the size is remembered, and
		// tried again after 16 successes.
		c.Check(refused >= 2 && refused <= 8, qt.IsTrue, qt.Commentf("%d refused", refused))
		c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(0))
	})
}

func TestTooLargeEntryDroppedAfterSmallerAccepted(t *testing.T) {
	for _, at := range []int{0, 50, 99} {
		t.Run(fmt.Sprint("at ", at), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				srv := newCollector(t, func(r *request) reply {
					if len(r.body) > 290<<10 {
						return reply{status: 413}
					}
					return reply{}
				})
				l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.FlushDelay = time.Second })
				var want []int
				for n := range 100 {
					if n == at {
						writeSized(t, l, n, 300<<10)
						continue
					}
					writeSized(t, l, n, 100)
					want = append(want, n)
				}
				drain(t, l)
				got := srv.numbers()
				slices.Sort(got)
				c.Check(slices.Compact(got), qt.DeepEquals, want)
				c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(1))
			})
		})
	}
}

func TestTooLargeEntryKeptWithoutSmallerAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, status(413))
		l := startLogger(t, srv, nil)
		write(t, l, 0, 3)
		time.Sleep(24 * time.Hour)
		c.Check(l.Stats().BufferedEntries, qt.Equals, 3)
		c.Check(len(srv.seen()) < 800, qt.IsTrue, qt.Commentf("%d requests", len(srv.seen())))
		checkUndelivered(c, shutdown(t, l, time.Second), 3, false)
	})
}

// poisonous refuses requests with one of the entries.
func poisonous(code int, poison ...int) func(*request) reply {
	return func(r *request) reply {
		for _, e := range r.entries {
			if e.N != nil && slices.Contains(poison, *e.N) {
				return reply{status: code, body: "bad entry"}
			}
		}
		return reply{}
	}
}

func TestPoisonFoundByHalvingAndDropped(t *testing.T) {
	const n = 64
	for _, code := range []int{400, 422} {
		for _, poison := range [][]int{{0}, {1}, {31}, {32}, {40}, {62}, {63}, {0, 63}, {5, 6, 7}, {0, 1, 2, 3}} {
			t.Run(fmt.Sprint(code, poison), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := qt.New(t)
					var log logLines
					srv := newCollector(t, poisonous(code, poison...))
					l := startLogger(t, srv, func(cfg *logtail.Config) {
						cfg.FlushDelay = time.Second
						cfg.Logf = log.Logf
					})
					write(t, l, 0, n)
					start := time.Now()
					time.Sleep(time.Second)
					synctest.Wait()
					c.Check(l.Stats().BufferedEntries, qt.Equals, 0)
					c.Check(time.Since(start) <= time.Second, qt.IsTrue)
					c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(len(poison)))
					c.Check(l.Stats().DeliveredEntries, qt.Equals, uint64(n-len(poison)))
					want := slices.DeleteFunc(count(n), func(i int) bool { return slices.Contains(poison, i) })
					c.Check(srv.numbers(), qt.DeepEquals, want)
					const log2 = 6
					c.Check(len(srv.seen()) <= 1+2*log2*len(poison), qt.IsTrue, qt.Commentf("%d requests", len(srv.seen())))
					c.Check(log.all(), qt.HasLen, 1)
					drain(t, l)
				})
			})
		}
	}
}

func TestRefusedEverythingDropsNothing(t *testing.T) {
	for _, n := range []int{1, 2, 100} {
		t.Run(fmt.Sprint(n, " entries"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				var log logLines
				var mended bool
				srv := newCollector(t, nil)
				srv.script = func(*request) reply {
					if mended {
						return reply{}
					}
					return reply{status: 400, body: "I take lines"}
				}
				l := startLogger(t, srv, func(cfg *logtail.Config) {
					cfg.FlushDelay = time.Second
					cfg.Logf = log.Logf
				})
				write(t, l, 0, n)
				time.Sleep(24 * time.Hour)
				synctest.Wait()
				c.Check(l.Stats().BufferedEntries, qt.Equals, n)
				c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(0))
				c.Check(len(srv.seen()) < 800, qt.IsTrue, qt.Commentf("%d requests", len(srv.seen())))
				c.Check(log.all(), qt.HasLen, 1)
				srv.mu.Lock()
				mended = true
				srv.mu.Unlock()
				time.Sleep(time.Hour)
				drain(t, l)
				got := srv.numbers()
				slices.Sort(got)
				c.Check(slices.Compact(got), qt.DeepEquals, count(n))
				c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(0))
			})
		})
	}
}

func TestPoisonAloneKeptUntilOthersAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, poisonous(400, 0))
		l := startLogger(t, srv, nil)
		write(t, l, 0, 1)
		time.Sleep(time.Hour)
		c.Check(l.Stats().BufferedEntries, qt.Equals, 1)
		write(t, l, 1, 5)
		time.Sleep(time.Hour)
		c.Check(l.Stats().BufferedEntries, qt.Equals, 0)
		c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(1))
		c.Check(srv.numbers(), qt.DeepEquals, []int{1, 2, 3, 4})
		drain(t, l)
	})
}

func TestUnsupportedEncodingSentPlainAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, func(r *request) reply {
			if r.header.Get("Content-Encoding") != "" {
				return reply{status: 415}
			}
			return reply{}
		})
		l := startLogger(t, srv, nil)
		for n := range 5 {
			writeSized(t, l, n, 1000)
			time.Sleep(time.Second)
		}
		drain(t, l)
		c.Check(srv.numbers(), qt.DeepEquals, count(5))
		c.Check(len(srv.seen()), qt.Equals, 6)
	})
}

// What only a person can mend: the settings, or the server.
func TestConfigurationFaultsKeepEverything(t *testing.T) {
	for _, code := range []int{300, 301, 302, 303, 304, 307, 308, 401, 402, 403, 404, 405, 406, 409, 410, 415, 451, 499} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				var log logLines
				var mended bool
				srv := newCollector(t, nil)
				srv.script = func(*request) reply {
					if mended {
						return reply{}
					}
					return reply{status: code, header: http.Header{"Location": {"http://evil.example/"}}}
				}
				l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Logf = log.Logf })
				write(t, l, 0, 10)
				time.Sleep(24 * time.Hour)
				c.Check(l.Stats().BufferedEntries, qt.Equals, 10)
				c.Check(log.all(), qt.HasLen, 1)
				requests := len(srv.seen())
				c.Check(requests > 96 && requests < 220, qt.IsTrue, qt.Commentf("%d requests", requests))
				gaps := slices.Sorted(slices.Values(srv.gaps()))
				// One request may follow at once: that without compression. Whether it is
				// the second hangs on how much of the batch the first one found.
				c.Check(gaps[1] >= time.Second, qt.IsTrue)
				c.Check(gaps[0] >= time.Second || code == 415, qt.IsTrue)
				c.Check(gaps[len(gaps)-1] <= 15*time.Minute, qt.IsTrue)
				srv.mu.Lock()
				mended = true
				srv.mu.Unlock()
				time.Sleep(15 * time.Minute)
				c.Check(srv.numbers(), qt.DeepEquals, count(10))
				c.Check(log.all(), qt.HasLen, 2)
				drain(t, l)
			})
		})
	}
}

// A batch that is sent again is the same bytes, so that a receiver can tell.
func TestLostAnswerRepeatsTheSameBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, func(r *request) reply {
			if r.n%3 != 2 {
				return reply{err: fmt.Errorf("read: connection reset by peer")} // after it was stored
			}
			return reply{}
		})
		l := startLogger(t, srv, nil)
		write(t, l, 0, 5)
		drain(t, l)
		write := map[uint64][]byte{}
		for _, r := range srv.seen() {
			for _, e := range r.entries {
				seq := e.Logtail.ProcSeq
				if write[seq] == nil {
					write[seq] = e.raw
				}
				c.Check(bytes.Equal(write[seq], e.raw), qt.IsTrue, qt.Commentf("%s", e.raw))
			}
		}
		c.Check(write, qt.HasLen, 5)
	})
}

func TestServerTextIsQuotedAndCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var log logLines
		srv := newCollector(t, func(*request) reply {
			return reply{status: 500, body: "\x1b[31mred\x1b[0m\n\u0085" + strings.Repeat("long ", 100_000)}
		})
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Logf = log.Logf })
		write(t, l, 0, 1)
		time.Sleep(time.Minute)
		c.Assert(log.all(), qt.HasLen, 1)
		line := log.all()[0]
		c.Check(line, qt.Contains, `\x1b[31mred\x1b[0m\n`)
		c.Check(len(line) < 350, qt.IsTrue, qt.Commentf("%d bytes", len(line)))
		for _, b := range []byte(line) {
			c.Check(b >= ' ' && b < 0x7f, qt.IsTrue)
		}
		shutdown(t, l, 0)
	})
}
