package page

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
)

// testSink is a Sink that fails with err.
type testSink struct{ err error }

func (s *testSink) Store(context.Context, receiver.Batch) error { return s.err }

// recaller is a testSink that remembers an entry.
type recaller struct{ testSink }

func (r *recaller) Recent(int64) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) { yield("c", []byte("old")) }
}

func TestSinkAddsWhatIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		p := newTestPage(t, Options{})
		stored := &testSink{}
		batch := receiver.Batch{Entries: [][]byte{entry(1, 1, time.Now(), `"virtualTraffic":[`+flowJSON(1, 2, 443, 10, 20)+`]`)}}
		failure := errors.New("full")
		stored.err = failure
		c.Check(p.Sink(stored).Store(t.Context(), batch), qt.Equals, failure)
		synctest.Wait()
		c.Check(get(c, p, "").Nodes, qt.HasLen, 0)
		stored.err = nil
		c.Check(p.Sink(stored).Store(t.Context(), batch), qt.IsNil)
		time.Sleep(3 * time.Second)
		c.Check(get(c, p, "").Nodes, qt.HasLen, 1)
	})
}

// TestSinkRecent checks that a Handler can read what the Sink below has stored, so that it recognizes
// duplicates after a restart.
func TestSinkRecent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTestPage(t, Options{})
		for below, want := range map[receiver.Sink]int{&testSink{}: 0, &recaller{}: 1} {
			n := 0
			for range p.Sink(below).(receiver.Recaller).Recent(1e6) {
				n++
			}
			qt.Check(t, n, qt.Equals, want)
		}
	})
}
