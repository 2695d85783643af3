package logtail_test

import (
	"net"
	"net/http"
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
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				var log logLines
				var down atomic.Bool
				srv := newCollector(t, func(*request) reply {
					if down.Load() {
						return reply{status: 500}
					}
					return reply{}
				})
				l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Logf = log.Logf })
				for n := range 2 {
					down.Store(true)
					write(t, l, n, n+1)
					time.Sleep(10 * time.Second)
					down.Store(false)
					c.Assert(l.Flush(t.Context()), qt.IsNil)
					time.Sleep(test.quiet)
				}
				drain(t, l)
				c.Check(log.all(), qt.HasLen, test.lines)
			})
		})
	}
}

func TestLogfBoundsDistinctFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var log logLines
		srv := newCollector(t, func(r *request) reply { return reply{status: 500 + r.n} })
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Logf = log.Logf })
		write(t, l, 0, 1)
		time.Sleep(24 * time.Hour)
		c.Check(log.all(), qt.HasLen, 16)
		shutdown(t, l, 0)
	})
}

// TestLogfIgnoresNumbersInFaults: each attempt has another local port, and an
// expired certificate is told with the time of day.
func TestLogfIgnoresNumbersInFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var log logLines
		var port atomic.Int64
		network := roundTripper(func(*http.Request) (*http.Response, error) {
			source := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(40_000 + port.Add(1))}
			return nil, &net.OpError{Op: "read", Net: "tcp", Source: source, Err: errRefused}
		})
		l := startLogger(t, network, func(cfg *logtail.Config) { cfg.Logf = log.Logf })
		write(t, l, 0, 1)
		time.Sleep(time.Hour)
		c.Check(l.Stats().Attempts > 10, qt.IsTrue)
		c.Check(log.all(), qt.HasLen, 1)
		shutdown(t, l, 0)
	})
}
