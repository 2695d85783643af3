package logtail_test

import (
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/faultbuffer"
	"github.com/go-netlog/netlog/logtail"
)

func TestDropReportNeedsNoWrite(t *testing.T) {
	run(t, sequence(500, 500), logtail.Config{Buffer: logtail.NewMemoryBuffer(2000)}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 100)
		time.Sleep(time.Hour)
		kept := srv.numbers()
		all := srv.accepted()
		c.Assert(len(all), qt.Equals, len(kept)+1)
		report := all[len(all)-1]
		c.Check(int(report.DroppedEntries), qt.Equals, 100-len(kept))
		c.Check(report.DroppedBytes, qt.Equals, l.Stats().DroppedBytes)
		c.Check(report.Text, qt.IsNotNil)
		checkInOrder(c, all)
		l.drain()
		c.Check(len(srv.accepted()), qt.Equals, len(all))
	})
}

// TestDropReportSurvivesItsBatch has a full Buffer that drops the first report, which the server
// refuses.
func TestDropReportSurvivesItsBatch(t *testing.T) {
	run(t, status(503), logtail.Config{Buffer: logtail.NewMemoryBuffer(2000)}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 50)
		time.Sleep(10 * time.Second)
		srv.answer(func(r *request) reply {
			if len(r.entries) > 0 && r.entries[len(r.entries)-1].DroppedEntries > 0 && r.n < 12 {
				return reply{status: 503}
			}
			return reply{}
		})
		time.Sleep(time.Minute) // the report is in the Buffer now
		l.write(50, 150)
		time.Sleep(2 * time.Hour)
		l.write(150, 151)
		l.drain()
		s := l.Stats()
		c.Check(srv.dropped(), qt.Equals, s.DroppedEntries)
		var bytes uint64
		for _, e := range srv.accepted() {
			bytes += e.DroppedBytes
		}
		c.Check(bytes, qt.Equals, s.DroppedBytes)
		// All entries and reports were delivered or dropped.
		c.Check(s.DeliveredEntries, qt.Equals, uint64(len(srv.accepted())))
		checkInOrder(c, srv.accepted())
		c.Check(missing(srv.accepted()), qt.Equals, s.DroppedEntries)
		c.Check(srv.reports() >= 1, qt.IsTrue)
	})
}

// checkInOrder checks that sequence numbers increase.
func checkInOrder(c *qt.C, entries []entry) {
	c.Helper()
	for i := 1; i < len(entries); i++ {
		a, b := entries[i-1].Logtail.ProcSeq, entries[i].Logtail.ProcSeq
		c.Check(a < b, qt.IsTrue, qt.Commentf("%d before %d", a, b))
	}
}

// missing returns how many sequence numbers from 1 to the last have no entry.
func missing(entries []entry) uint64 {
	return entries[len(entries)-1].Logtail.ProcSeq - uint64(len(entries))
}

func TestDropReportFailingBuffer(t *testing.T) {
	buf := faultbuffer.New(0)
	run(t, nil, logtail.Config{Buffer: buf}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 10)
		time.Sleep(time.Second)
		buf.Fail(faultbuffer.Append, errNoSpace)
		for range 5 {
			l.lose(errNoSpace)
		}
		time.Sleep(time.Second)
		c.Check(l.Stats().DroppedEntries, qt.Equals, uint64(5))
		buf.Fail(faultbuffer.Append, nil)
		time.Sleep(time.Hour)
		l.write(10, 20)
		l.drain()
		c.Check(srv.numbers(), qt.DeepEquals, count(20))
		c.Check(srv.dropped(), qt.Equals, uint64(5))
		checkInOrder(c, srv.accepted())
		c.Check(missing(srv.accepted()), qt.Equals, uint64(5))
	})
}

// TestDropReportAfterLastEntryGivenUp has a loss after a failed upload. The last entry in the
// Buffer is given up, so no success follows, but the loss must be reported.
func TestDropReportAfterLastEntryGivenUp(t *testing.T) {
	buf := faultbuffer.New(0)
	run(t, sequence(200, 500, 413), logtail.Config{Buffer: buf}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 1)
		c.Assert(l.Flush(c.Context()), qt.IsNil)
		l.writeSized(1, 2, 1000)
		synctest.Wait()
		buf.Fail(faultbuffer.Append, errNoSpace)
		l.lose(errNoSpace)
		buf.Fail(faultbuffer.Append, nil)
		time.Sleep(2 * time.Minute)
		c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(1))
		c.Check(srv.dropped(), qt.Equals, uint64(1))
	})
}

// TestDroppedInFlightIsCountedOnce has a Buffer that drops entries while they are being sent. They
// count as dropped only.
func TestDroppedInFlightIsCountedOnce(t *testing.T) {
	run(t, func(*request) reply { return reply{delay: 10 * time.Second} }, logtail.Config{Buffer: logtail.NewMemoryBuffer(3000)}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 10)
		time.Sleep(time.Second) // the request has begun
		l.write(10, 30)
		time.Sleep(time.Hour)
		l.drain()
		s := l.Stats()
		c.Check(s.DeliveredEntries+s.DroppedEntries, qt.Equals, 30+srv.reports())
		c.Check(srv.dropped(), qt.Equals, s.DroppedEntries)
		c.Check(len(srv.numbers()) >= 30-int(s.DroppedEntries), qt.IsTrue)
	})
}

func TestShutdownDoesNotWaitForRefusedReport(t *testing.T) {
	buf := faultbuffer.New(0)
	run(t, nil, logtail.Config{Buffer: buf}, func(c *qt.C, srv *collector, l *testLogger) {
		buf.Fail(faultbuffer.Append, errNoSpace)
		l.lose(errNoSpace)
		time.Sleep(90 * time.Second) // the second attempt has failed as well
		before := time.Now()
		c.Check(l.shutdown(time.Hour), qt.IsNil) // no entry is left to deliver
		c.Check(time.Since(before), qt.Equals, time.Duration(0))
	})
}
