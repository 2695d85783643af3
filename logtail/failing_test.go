package logtail_test

import (
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

func TestBufferThatTakesNothingIsNoFaultOfTheUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var log logLines
		buf := &fakeBuffer{Buffer: logtail.NewMemoryBuffer(0)}
		buf.appendErr.Store(true)
		srv := newCollector(t, nil)
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Buffer, cfg.Logf = buf, log.Logf })
		_, err := l.Write([]byte(`{}`))
		c.Check(err, qt.IsNotNil)
		time.Sleep(10 * time.Minute)
		c.Check(l.Stats().LastError, qt.IsNil)
		c.Check(log.all(), qt.HasLen, 0)
		buf.appendErr.Store(false)
		time.Sleep(2 * time.Minute) // without another Write
		c.Check(srv.dropped(), qt.Equals, uint64(1))
		drain(t, l)
	})
}

// The last entry in the Buffer is given up after a failure: what was lost
// meanwhile is told all the same.
func TestDropsAreToldAfterTheLastEntryWasGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		buf := &fakeBuffer{Buffer: logtail.NewMemoryBuffer(0)}
		srv := newCollector(t, sequence(200, 500, 413))
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Buffer = buf })
		write(t, l, 0, 1)
		c.Assert(l.Flush(t.Context()), qt.IsNil)
		writeSized(t, l, 1, 1000)
		synctest.Wait()
		buf.appendErr.Store(true)
		_, err := l.Write([]byte(`{}`))
		c.Check(err, qt.IsNotNil)
		buf.appendErr.Store(false)
		time.Sleep(2 * time.Minute)
		c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(1))
		c.Check(srv.dropped(), qt.Equals, uint64(1))
		drain(t, l)
	})
}
