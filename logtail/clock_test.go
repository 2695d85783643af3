package logtail_test

import (
	"bytes"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/spool"
)

// steppedBuffer is a Buffer whose entries were written by a clock that is off by step.
type steppedBuffer struct {
	logtail.Buffer
	step time.Duration
}

func (b *steppedBuffer) Append(entry []byte) error {
	const start, layout = `{"logtail":{"client_time":"`, "2006-01-02T15:04:05.000000000Z"
	entry = bytes.Clone(entry)
	at, err := time.Parse(layout, string(entry[len(start):][:len(layout)]))
	if err != nil {
		return err
	}
	copy(entry[len(start):], at.Add(b.step).Format(layout))
	return b.Buffer.Append(entry)
}

// TestClockSteps has entries of a clock that was wrong, and a server whose clock is wrong by as much, before and
// after the Logger is started again. Nothing is dropped, and nothing is late.
func TestClockSteps(t *testing.T) {
	const day = 24 * time.Hour
	for _, step := range []time.Duration{time.Minute, -time.Minute, day, -day, 365 * day, -365 * day, 100 * 365 * day} {
		for _, restart := range []bool{false, true} {
			for _, buffer := range []string{"memory", "spool"} {
				t.Run(fmt.Sprintf("%v/restart=%v/%s", step, restart, buffer), func(t *testing.T) {
					checkClockStep(t, step, restart, buffer == "spool")
				})
			}
		}
	}
}

func checkClockStep(t *testing.T, step time.Duration, restart, onDisk bool) {
	id := secrettest.NewID()
	buf := &steppedBuffer{Buffer: logtail.NewMemoryBuffer(8 << 20), step: step}
	const flushDelay, spread, asked = time.Minute, 10 * time.Second, 2 * time.Minute
	var first atomic.Int64 // the number of the first request of the Logger
	answer := func(r *request) reply {
		if int64(r.n) > first.Load() {
			return reply{}
		}
		now := r.at.Add(step)
		return reply{status: 503, header: http.Header{
			"Date": {now.UTC().Format(http.TimeFormat)}, "Retry-After": {now.Add(asked).UTC().Format(http.TimeFormat)},
		}}
	}
	cfg := logtail.Config{PrivateID: id, Buffer: buf, FlushDelay: flushDelay}
	if onDisk {
		s, err := spool.Open(t.TempDir(), id.Public(), spool.Options{})
		qt.Assert(t, err, qt.IsNil)
		t.Cleanup(func() { qt.Check(t, s.Close(), qt.IsNil) })
		buf.Buffer = s
	}
	run(t, answer, cfg, func(c *qt.C, srv *collector, l *testLogger) {
		l.writeSized(0, 3, 200<<10)
		if restart {
			c.Assert(l.shutdown(0), qt.IsNotNil)
			first.Store(int64(len(srv.seen())))
			l = start(t, srv, cfg)
		}
		time.Sleep(spread + asked + asked/10 + 2*flushDelay)
		c.Check(srv.numbers(), qt.DeepEquals, count(3))
		l.writeSized(3, 5, 200<<10)
		buf.step = 0 // the clock is right again
		l.writeSized(5, 8, 200<<10)
		time.Sleep(2 * flushDelay)
		c.Check(srv.numbers(), qt.DeepEquals, count(8))
		c.Check(l.Stats().DroppedEntries+l.Stats().RefusedEntries, qt.Equals, uint64(0))
		c.Check(l.Stats().Oldest, qt.Equals, time.Duration(0))
		requests := srv.seen()[first.Load():]
		pause := requests[1].at.Sub(requests[0].at)
		c.Check(pause >= asked && pause <= asked+asked/10, qt.IsTrue, qt.Commentf("%v", pause))
		l.drain()
	})
}
