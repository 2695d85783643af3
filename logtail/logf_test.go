package logtail_test

import (
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

func TestLogfRepeatsFaultAfterCalmMinute(t *testing.T) {
	for _, test := range []struct {
		name  string
		quiet time.Duration // after the first outage
		lines int
	}{
		{"the server flaps", 30 * time.Second, 2},
		{"another outage", 2 * time.Minute, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			run(t, nil, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
				for n := range 2 {
					srv.answer(status(500))
					l.write(n, n+1)
					time.Sleep(10 * time.Second)
					srv.answer(nil)
					c.Assert(l.Flush(c.Context()), qt.IsNil)
					time.Sleep(test.quiet)
				}
				c.Check(l.lines(), qt.HasLen, test.lines)
			})
		})
	}
}

func TestLogfBoundsDistinctFaults(t *testing.T) {
	run(t, func(r *request) reply { return reply{status: 500 + r.n} }, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 1)
		time.Sleep(24 * time.Hour)
		c.Check(l.lines(), qt.HasLen, 16)
		l.shutdown(0)
	})
}

// TestLogfIgnoresNumbersInFaults has another local port in the error of each attempt.
func TestLogfIgnoresNumbersInFaults(t *testing.T) {
	run(t, func(r *request) reply {
		source := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40_000 + r.n}
		return reply{err: &net.OpError{Op: "read", Net: "tcp", Source: source, Err: errRefused}}
	}, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 1)
		time.Sleep(time.Hour)
		c.Check(l.Stats().Attempts > 10, qt.IsTrue)
		c.Check(l.lines(), qt.HasLen, 1)
		l.shutdown(0)
	})
}

// TestLogfMayUseTheLogger has a Logf that writes to its own Logger, and asks for Stats.
func TestLogfMayUseTheLogger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newCollector(t, sequence(500))
		var used atomic.Pointer[testLogger]
		l := start(t, srv, logtail.Config{Logf: func(format string, args ...any) {
			used.Load().Logf(format, args...)
			used.Load().Stats()
		}})
		used.Store(l)
		l.write(0, 1)
		time.Sleep(time.Hour)
		l.drain()
		qt.Check(t, len(srv.accepted()), qt.Equals, 3)
	})
}
