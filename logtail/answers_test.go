package logtail_test

import (
	"bytes"
	"errors"
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
			run(t, status(code), logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
				l.write(0, 1)
				synctest.Wait()
				c.Check(l.Stats().BufferedEntries, qt.Equals, 0)
				time.Sleep(time.Hour)
				c.Check(len(srv.seen()), qt.Equals, 1)
				c.Check(l.Stats().DeliveredEntries, qt.Equals, uint64(1))
				l.drain()
				c.Check(srv.numbers(), qt.DeepEquals, count(1))
			})
		})
	}
}

func TestServerErrorsAreRetriedWithBackoff(t *testing.T) {
	for _, code := range []int{408, 500, 501, 502, 503, 504, 599} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			run(t, sequence(slices.Repeat([]int{code}, 12)...), logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
				l.write(0, 10)
				time.Sleep(2 * time.Hour)
				l.write(10, 20)
				l.drain()
				c.Check(srv.numbers(), qt.DeepEquals, count(20))
				checkBackoff(c, srv.gaps()[:12])
			})
		})
	}
}

func TestNetworkErrorsAreRetriedWithBackoff(t *testing.T) {
	run(t, func(r *request) reply {
		if r.n < 20 {
			return reply{err: errRefused}
		}
		return reply{}
	}, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 3)
		time.Sleep(3 * time.Hour)
		l.drain()
		c.Check(srv.numbers(), qt.DeepEquals, count(3))
		checkBackoff(c, srv.gaps())
	})
}

// checkBackoff checks that the pauses between failed requests double from 2 s to 5 minutes, each by
// chance up to half as long.
func checkBackoff(c *qt.C, gaps []time.Duration) {
	c.Helper()
	for i, gap := range gaps {
		full := min(5*time.Minute, 2*time.Second<<min(i, 10))
		c.Check(gap >= full/2 && gap <= full, qt.IsTrue, qt.Commentf("pause %d: %v of %v", i, gap, full))
	}
}

func TestNoAnswerTimesOut(t *testing.T) {
	run(t, func(r *request) reply { return reply{hang: r.n == 0} }, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 1)
		time.Sleep(time.Minute)
		c.Check(srv.numbers(), qt.DeepEquals, count(1))
		gap := srv.gaps()[0]
		c.Check(gap >= 46*time.Second && gap <= 47*time.Second, qt.IsTrue, qt.Commentf("%v", gap))
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	date := "Mon, 23 Nov 2026 10:00:00 GMT"
	for _, test := range []struct {
		name, value, date string
		min, max          time.Duration // 0 if the header is ignored
	}{
		{"seconds", "60", "", 60 * time.Second, 66 * time.Second},
		{"one second", "1", "", time.Second, 1100 * time.Millisecond},
		{"an hour is too long", "3600", "", 5 * time.Minute, 5*time.Minute + 30*time.Second},
		{"IMF-fixdate relative to Date", "Mon, 23 Nov 2026 10:01:00 GMT", date, 60 * time.Second, 66 * time.Second},
		{"RFC 850 relative to Date", "Monday, 23-Nov-26 10:01:00 GMT", date, 60 * time.Second, 66 * time.Second},
		{"asctime relative to Date", "Mon Nov 23 10:01:00 2026", date, 60 * time.Second, 66 * time.Second},
		{"a date too far away", "Fri, 31 Dec 9999 23:59:59 GMT", date, 5 * time.Minute, 5*time.Minute + 30*time.Second},
		{"zero", "0", "", 0, 0},
		{"negative", "-5", "", 0, 0},
		{"a float", "1e9", "", 0, 0},
		{"an overflow", "9223372037", "", 0, 0},
		{"20 digits", "99999999999999999999", "", 0, 0},
		{"a past date", "Mon, 23 Nov 2026 09:59:00 GMT", date, 0, 0},
		{"a date without Date", "Mon, 23 Nov 2026 10:01:00 GMT", "", 0, 0},
		{"words", "soon", date, 0, 0},
	} {
		for _, code := range []int{429, 503, 500, 404} {
			t.Run(fmt.Sprint(test.name, " with ", code), func(t *testing.T) {
				run(t, func(r *request) reply {
					if r.n > 0 {
						return reply{}
					}
					h := http.Header{"Retry-After": {test.value}}
					if test.date != "" {
						h["Date"] = []string{test.date}
					}
					return reply{status: code, header: h}
				}, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
					l.write(0, 1)
					time.Sleep(time.Hour)
					l.drain()
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

// TestRetryAfterDelaysEntriesAfterRefusal has a refusal with a Retry-After. The uploader must
// handle the entries as without it, but wait before every request.
func TestRetryAfterDelaysEntriesAfterRefusal(t *testing.T) {
	const n, bad = 8, 7
	for _, code := range []int{400, 413, 415, 422} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			script := refuse(code, bad)
			if code == 415 {
				script = refuseCompressed
			}
			var refused []bool
			run(t, func(r *request) reply {
				rep := script(r)
				rep.header = http.Header{"Retry-After": {"60"}}
				refused = append(refused, rep.status != 0)
				return rep
			}, logtail.Config{FlushDelay: time.Second}, func(c *qt.C, srv *collector, l *testLogger) {
				l.writeSized(0, bad, 100)
				l.writeSized(bad, n, 2000) // 413 is about an entry only if a smaller one was accepted
				time.Sleep(2 * time.Second)
				l.write(n, n+1) // in the next batch
				time.Sleep(time.Hour)
				l.drain()
				want := count(n + 1)
				if code != 415 {
					want = append(count(bad), bad+1)
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

func TestFlappingServerIsNotHammered(t *testing.T) {
	run(t, func(r *request) reply {
		if r.n%2 == 0 {
			return reply{status: 429, header: http.Header{"Retry-After": {"1"}}}
		}
		return reply{}
	}, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		for n := range 600 {
			l.write(n, n+1)
			time.Sleep(time.Second)
		}
		l.drain()
		c.Check(srv.numbers(), qt.DeepEquals, count(600))
		c.Check(len(srv.seen()) < 1210, qt.IsTrue, qt.Commentf("%d requests", len(srv.seen())))
		for i, gap := range srv.gaps() {
			if i%2 == 0 { // after a 429
				c.Check(gap >= time.Second, qt.IsTrue, qt.Commentf("%v after request %d", gap, i))
			}
		}
		c.Check(len(l.lines()) <= 4, qt.IsTrue, qt.Commentf("%q", l.lines()))
	})
}

// refuseCompressed is the script of a server that takes no compressed bodies.
func refuseCompressed(r *request) reply {
	if r.header.Get("Content-Encoding") != "" {
		return reply{status: 415}
	}
	return reply{}
}

func TestUnsupportedEncodingSentPlainAfterwards(t *testing.T) {
	for _, gzip := range []bool{false, true} {
		run(t, refuseCompressed, logtail.Config{Gzip: gzip}, func(c *qt.C, srv *collector, l *testLogger) {
			for n := range 5 {
				l.writeSized(n, n+1, 1000)
				time.Sleep(time.Second)
			}
			l.drain()
			c.Check(srv.numbers(), qt.DeepEquals, count(5))
			c.Check(len(srv.seen()), qt.Equals, 6)
		})
	}
}

// TestConfigurationFaultsKeepEverything has answers that point to a wrong setting, or to a broken
// server, which somebody repairs after a day.
func TestConfigurationFaultsKeepEverything(t *testing.T) {
	for _, code := range []int{300, 301, 302, 303, 304, 307, 308, 401, 402, 403, 404, 405, 406, 409, 410, 415, 451, 499} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			run(t, func(*request) reply {
				return reply{status: code, header: http.Header{"Location": {"http://evil.example/"}}}
			}, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
				l.write(0, 10)
				time.Sleep(24 * time.Hour)
				c.Check(l.Stats().BufferedEntries, qt.Equals, 10)
				c.Check(l.lines(), qt.HasLen, 1)
				requests := len(srv.seen())
				c.Check(requests > 96 && requests < 220, qt.IsTrue, qt.Commentf("%d requests", requests))
				gaps := slices.Sorted(slices.Values(srv.gaps()))
				// Only the request without compression may follow at once. It need not be the second
				// request, since the first one may not contain the whole batch.
				c.Check(gaps[1] >= time.Second, qt.IsTrue)
				c.Check(gaps[0] >= time.Second || code == 415, qt.IsTrue)
				c.Check(gaps[len(gaps)-1] <= 15*time.Minute, qt.IsTrue)
				srv.answer(nil)
				time.Sleep(15 * time.Minute)
				c.Check(srv.numbers(), qt.DeepEquals, count(10))
				c.Check(l.lines(), qt.HasLen, 2)
			})
		})
	}
}

// TestLostAnswerRepeatsTheSameBytes has a server that stores entries but whose answers are lost. A
// receiver can recognize repeated entries only if the bytes are the same.
func TestLostAnswerRepeatsTheSameBytes(t *testing.T) {
	run(t, func(r *request) reply {
		if r.n%3 != 2 {
			return reply{err: errors.New("read: connection reset by peer")}
		}
		return reply{}
	}, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 5)
		l.drain()
		first := map[uint64][]byte{}
		for _, r := range srv.seen() {
			for _, e := range r.entries {
				seq := e.Logtail.ProcSeq
				if first[seq] == nil {
					first[seq] = e.raw
				}
				c.Check(bytes.Equal(first[seq], e.raw), qt.IsTrue, qt.Commentf("%s", e.raw))
			}
		}
		c.Check(first, qt.HasLen, 5)
	})
}

func TestServerTextIsQuotedAndCut(t *testing.T) {
	run(t, func(*request) reply {
		return reply{status: 500, body: "\x1b[31mred\x1b[0m\n\u0085" + strings.Repeat("long ", 100_000)}
	}, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 1)
		time.Sleep(time.Minute)
		c.Assert(l.lines(), qt.HasLen, 1)
		line := l.lines()[0]
		c.Check(line, qt.Contains, `\x1b[31mred\x1b[0m\n`)
		c.Check(len(line) < 350, qt.IsTrue, qt.Commentf("%d bytes", len(line)))
		for _, b := range []byte(line) {
			c.Check(b >= ' ' && b < 0x7f, qt.IsTrue)
		}
		l.shutdown(0)
	})
}
