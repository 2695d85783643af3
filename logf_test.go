package netlog_test

import (
	"bytes"
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
	"github.com/go-netlog/netlog/logtail"
)

// flakyBuffer takes nothing while it is full.
type flakyBuffer struct {
	logtail.Buffer
	full atomic.Bool
}

func (b *flakyBuffer) Append(entry []byte) error {
	if b.full.Load() {
		return errors.New("no space")
	}
	return b.Buffer.Append(entry)
}

func TestDroppedRecordsAreToldOnceAndTheirEndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		buffer := &flakyBuffer{Buffer: logtail.NewMemoryBuffer(1 << 20)}
		var lines []string
		l := netlog.Logger{Upload: srv.config(), Logf: func(format string, args ...any) {
			lines = append(lines, fmt.Sprintf(format, args...))
		}}
		l.Upload.Buffer = buffer
		startup(t, &l, dev, routes())
		for i := range 9 { // three records, three that are dropped, three records
			buffer.full.Store(i/3 == 1)
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

func TestShutdownTellsWhatTheUploaderSaidLast(t *testing.T) {
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

func TestUploadsGoOnWhileLogfHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait, release := hang()
		const faults = 16 // of one outage that are told
		asked := 0
		srv := &server{answer: func(*http.Request) (int, error) {
			asked++
			switch {
			case asked <= faults:
				return 500 + asked, nil // each is a line
			case asked <= faults+3:
				time.Sleep(40 * time.Second) // so that the next fault is one of another outage
			}
			if asked == faults+3 {
				return 599, nil
			}
			return 200, nil
		}}
		dev := new(fakeDevice)
		var lines atomic.Int32
		l := netlog.Logger{Upload: srv.config(), Logf: func(string, ...any) { lines.Add(1); wait() }}
		l.Upload.Buffer = logtail.NewMemoryBuffer(2 << 20)
		for range 4 { // each a request of its own
			entry := fmt.Appendf(nil, `{"nodeId":"%s"}`, bytes.Repeat([]byte("x"), 200<<10))
			qt.Assert(t, l.Upload.Buffer.Append(entry), qt.IsNil)
		}
		startup(t, &l, dev, routes())
		time.Sleep(3 * time.Hour)
		qt.Check(t, l.Stats().Upload.BufferedEntries, qt.Equals, 0)
		qt.Check(t, lines.Load(), qt.Equals, int32(1))
		release()
		shutdown(t, &l)
		qt.Check(t, lines.Load() > 1 && lines.Load() < faults+3, qt.IsTrue,
			qt.Commentf("%d lines: of faults, their end, one more fault, its end", lines.Load()))
	})
}
