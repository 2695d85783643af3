package netlog_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/internal/faultbuffer"
	"github.com/go-netlog/netlog/logtail"
)

func TestLogfDroppedRecordOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		buffer := faultbuffer.New(0)
		var lines []string
		l := netlog.Logger{Upload: srv.config(), Logf: func(format string, args ...any) {
			lines = append(lines, fmt.Sprintf(format, args...))
		}}
		l.Upload.Buffer = buffer
		startup(t, &l, dev, routes())
		for i := range 9 { // three records, three that are dropped, three records
			buffer.Fail(faultbuffer.Append, nil)
			if i/3 == 1 {
				buffer.Fail(faultbuffer.Append, errors.New("no space"))
			}
			dev.count(toPeer, one)
			time.Sleep(5 * time.Second)
			synctest.Wait()
			qt.Check(t, l.Stats().LastError != nil, qt.Equals, i/3 == 1)
		}
		shutdown(t, &l)
		qt.Check(t, lines, qt.DeepEquals, []string{
			"netlog: a record was dropped: no space",
			"netlog: records are queued again",
		})
		qt.Check(t, l.Stats().DroppedRecords, qt.Equals, uint64(3))
	})
}

func TestShutdownLogsLastLine(t *testing.T) {
	for range 10 { // the goroutine may learn of the end before it sees the line
		synctest.Test(t, func(t *testing.T) {
			var asked atomic.Bool
			srv := &server{answer: func(*http.Request) (int, error) {
				if asked.CompareAndSwap(false, true) {
					return 500, nil
				}
				return 200, nil
			}}
			dev := new(fakeDevice)
			lines := 0
			l := netlog.Logger{Upload: srv.config(), Logf: func(string, ...any) {
				lines++
				time.Sleep(30 * time.Second) // the uploader ends meanwhile
			}}
			startup(t, &l, dev, routes())
			dev.count(toPeer, one)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			qt.Assert(t, l.Shutdown(ctx), qt.IsNil)
			qt.Check(t, lines, qt.Equals, 2, qt.Commentf("a fault and its end"))
		})
	}
}

func TestShutdownDeadlineWhileLogfHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait, release := hang()
		srv := &server{answer: func(*http.Request) (int, error) { return 500, nil }}
		dev := new(fakeDevice)
		var lines atomic.Int32
		l := netlog.Logger{Upload: srv.config(), Logf: func(string, ...any) { lines.Add(1); wait() }}
		startup(t, &l, dev, routes())
		for range 3 {
			dev.count(toPeer, one)
			time.Sleep(time.Minute)
		}
		qt.Check(t, lines.Load(), qt.Equals, int32(1))
		qt.Check(t, l.Stats().Records, qt.Equals, uint64(3), qt.Commentf("polling goes on while the uploader hangs"))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		undelivered, ok := errors.AsType[*logtail.UndeliveredError](l.Shutdown(ctx))
		qt.Assert(t, ok, qt.IsTrue)
		qt.Check(t, undelivered.Entries, qt.Equals, 3)
		qt.Check(t, time.Since(began) <= time.Second+100*time.Millisecond, qt.IsTrue)
		release()
		synctest.Wait()
		qt.Check(t, lines.Load(), qt.Equals, int32(1))
	})
}

func TestLogfDroppedRecordNumbersAreOneFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := new(fakeDevice)
		var lines, n atomic.Int32
		l := netlog.Logger{Upload: new(server).config(), Logf: func(string, ...any) { lines.Add(1) }}
		buffer := faultbuffer.New(0)
		buffer.Before(faultbuffer.Append, func() error { return fmt.Errorf("entry %d does not fit", n.Add(1)) })
		l.Upload.Buffer = buffer
		startup(t, &l, dev, routes())
		for range 10 {
			dev.count(toPeer, one)
			time.Sleep(5 * time.Second)
		}
		qt.Check(t, l.Stats().DroppedRecords > 5, qt.IsTrue)
		qt.Check(t, lines.Load(), qt.Equals, int32(1))
		l.Shutdown(t.Context())
	})
}
