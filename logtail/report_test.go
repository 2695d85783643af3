package logtail_test

import (
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

func TestShutdownDoesNotWaitForRefusedReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		buf := &fakeBuffer{Buffer: logtail.NewMemoryBuffer(0)}
		l := startLogger(t, newCollector(t, nil), func(cfg *logtail.Config) { cfg.Buffer = buf })
		buf.appendErr.Store(true)
		_, err := l.Write([]byte(`{}`))
		c.Check(err, qt.ErrorMatches, "no space")
		time.Sleep(90 * time.Second) // the second try has failed as well
		before := time.Now()
		c.Check(shutdown(t, l, time.Hour), qt.IsNil) // nothing is left to deliver
		c.Check(time.Since(before), qt.Equals, time.Duration(0))
	})
}

// closedBuffer is a Buffer that its owner has closed too early.
type closedBuffer struct{ logtail.Buffer }

func (closedBuffer) Append([]byte) error { return logtail.ErrClosed }

func TestWriteClosedBufferCountsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := startLogger(t, newCollector(t, nil), func(cfg *logtail.Config) { cfg.Buffer = closedBuffer{logtail.NewMemoryBuffer(0)} })
		_, err := l.Write([]byte(`{}`))
		qt.Check(t, err, qt.ErrorIs, logtail.ErrClosed)
		qt.Check(t, l.Stats().DroppedEntries, qt.Equals, uint64(1))
		shutdown(t, l, time.Hour)
	})
}
