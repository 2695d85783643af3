package logtail_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/spool"
)

// TestSoak writes for half a minute, or for as long as NETLOG_SOAK says, to a
// server of which every fifth answer is a fault of a random kind: the sets of
// what was accepted and of what arrived agree but for what was counted, and
// nothing grows.
func TestSoak(t *testing.T) {
	limit := os.Getenv("NETLOG_SOAK")
	if limit == "" {
		t.Skip("set NETLOG_SOAK=1, or to a duration, to run against random faults")
	}
	duration, err := time.ParseDuration(limit)
	if err != nil {
		duration = 30 * time.Second
	}
	for _, test := range []struct {
		name   string
		buffer func(id logtail.PrivateID) logtail.Buffer
	}{
		{"memory", func(logtail.PrivateID) logtail.Buffer { return logtail.NewMemoryBuffer(2 << 20) }},
		{"spool", func(id logtail.PrivateID) logtail.Buffer {
			s, err := spool.Open(t.TempDir(), id.Public(), spool.Options{MaxBytes: 2 << 20})
			qt.Assert(t, err, qt.IsNil)
			t.Cleanup(func() { qt.Check(t, s.Close(), qt.IsNil) })
			return s
		}},
	} {
		t.Run(test.name, func(t *testing.T) { soak(t, duration, test.buffer) })
	}
}

// chaos is a server of random faults in front of a collector.
type chaos struct {
	mu    sync.Mutex // guards rand
	rand  *rand.Rand
	next  *collector
	calm  bool // guarded by mu
	kinds map[int]int
}

func (s *chaos) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	kind := s.rand.IntN(75)
	if s.calm {
		kind = 74
	}
	s.kinds[kind]++
	s.mu.Unlock()
	statuses := []int{301, 307, 401, 404, 408, 500, 502, 503, 504}
	switch {
	case kind < len(statuses):
		w.Header().Set("Location", "http://127.0.0.1:1/")
		w.WriteHeader(statuses[kind])
	case kind == 9: // asks for time
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	case kind == 10: // never answers
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	case kind == 11: // cuts the connection in the middle of the body
		io.ReadFull(r.Body, make([]byte, 100))
		panic(http.ErrAbortHandler)
	case kind == 12: // stores, and the answer is lost
		s.next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case kind == 13: // says much
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, strings.Repeat(r.URL.String(), 1000))
	case kind == 14:
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	default:
		s.next.ServeHTTP(w, r)
	}
}

func soak(t *testing.T, duration time.Duration, buffer func(logtail.PrivateID) logtail.Buffer) {
	c := qt.New(t)
	h := &chaos{rand: rand.New(rand.NewPCG(1, 2)), kinds: map[int]int{}, next: newCollector(t, func(r *request) reply {
		for _, e := range r.entries {
			if e.Text != nil && e.DroppedEntries == 0 {
				return reply{status: http.StatusBadRequest} // poison
			}
		}
		return reply{}
	})}
	srv := httptest.NewServer(h)
	srv.Config.ErrorLog = discardLog
	defer srv.Close()
	transport := logtail.NewTransport()
	defer transport.CloseIdleConnections()
	cfg := testConfig()
	cfg.BaseURL, cfg.Buffer = srv.URL, buffer(cfg.PrivateID)
	cfg.HTTPClient = &http.Client{Transport: transport, Timeout: time.Second}
	l := newLogger(t, cfg)

	written, poison, most := 0, 0, runtime.NumGoroutine()+10
	for end := time.Now().Add(duration); time.Now().Before(end); {
		writeSized(t, l, written, h.rng(3000))
		written++
		if written%500 == 0 {
			l.Write([]byte("poison"))
			poison++
			h.next.forget()
		}
		c.Assert(runtime.NumGoroutine() <= most, qt.IsTrue, qt.Commentf("%d goroutines", runtime.NumGoroutine()))
		c.Assert(l.Stats().BufferedBytes <= l.Stats().BufferMaxBytes, qt.IsTrue)
		time.Sleep(2 * time.Millisecond) // a pace, so that the time is one of many requests
	}
	h.mu.Lock()
	h.calm = true
	h.mu.Unlock()
	drain(t, l)
	s := l.Stats()
	arrived := map[int]bool{}
	newest := -1
	for _, n := range h.next.numbers() {
		if !arrived[n] {
			c.Check(n > newest, qt.IsTrue, qt.Commentf("%d after %d", n, newest))
			newest = n
		}
		arrived[n] = true
	}
	missing := written - len(arrived)
	t.Logf("%d entries, %d requests; %d missing, %+v", written, s.Attempts, missing, s)
	// What is counted beyond what was written are the reports of drops.
	counted := int(s.DeliveredEntries + s.DroppedEntries + s.RefusedEntries)
	c.Check(counted >= written+poison && counted <= written+poison+int(s.Attempts), qt.IsTrue)
	c.Check(s.RefusedEntries <= uint64(poison), qt.IsTrue)
	c.Check(uint64(missing) <= s.DroppedEntries, qt.IsTrue)
	c.Check(h.next.dropped() >= s.DroppedEntries, qt.IsTrue) // a report can come twice
	c.Check(len(h.kinds) > 15, qt.IsTrue, qt.Commentf("%d kinds of answers", len(h.kinds)))
}

func (s *chaos) rng(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rand.IntN(n)
}

// forget drops what the collector keeps of requests, but not their entries.
func (c *collector) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = nil
}
