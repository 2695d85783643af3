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

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/spool"
)

// TestSoak writes for half a minute, or for the duration in NETLOG_SOAK, to a server of which every
// fifth answer is a random fault. Each accepted entry must arrive or be counted, and the numbers of
// goroutines and buffered bytes must stay within their bounds.
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

// chaos passes requests to a collector, or answers with a random fault.
type chaos struct {
	next *collector

	mu    sync.Mutex // guards the fields below
	rand  *rand.Rand
	calm  bool        // no more faults
	kinds map[int]int // number of requests by kind of fault
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
	case kind == 9: // asks for a pause
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	case kind == 10: // never answers
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	case kind == 11: // cuts the connection in the middle of the body
		io.ReadFull(r.Body, make([]byte, 100))
		panic(http.ErrAbortHandler)
	case kind == 12: // stores the entries, but does not answer
		s.next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case kind == 13: // sends a long text
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
				return reply{status: http.StatusBadRequest}
			}
		}
		return reply{}
	})}
	srv := httptest.NewServer(h)
	srv.Config.ErrorLog = discardLog
	defer srv.Close()
	transport := logtail.NewTransport()
	defer transport.CloseIdleConnections()
	id := secrettest.NewID()
	l := newLogger(t, logtail.Config{
		PrivateID: id, BaseURL: srv.URL, Buffer: buffer(id),
		HTTPClient: &http.Client{Transport: transport, Timeout: time.Second},
	})

	written, refused, most := 0, 0, runtime.NumGoroutine()+10
	for end := time.Now().Add(duration); time.Now().Before(end); {
		l.writeSized(written, written+1, h.random(3000))
		written++
		if written%500 == 0 {
			l.Write([]byte("refused"))
			refused++
			h.next.forget()
		}
		c.Assert(runtime.NumGoroutine() <= most, qt.IsTrue, qt.Commentf("%d goroutines", runtime.NumGoroutine()))
		c.Assert(l.Stats().BufferedBytes <= l.Stats().BufferMaxBytes, qt.IsTrue)
		time.Sleep(2 * time.Millisecond) // so that there is more than one request
	}
	h.mu.Lock()
	h.calm = true
	h.mu.Unlock()
	l.drain()
	s := l.Stats()
	arrived := checkNumbers(c, h.next.numbers())
	missing := written - len(arrived)
	t.Logf("%d entries, %d requests; %d missing, %+v", written, s.Attempts, missing, s)
	// The entries beyond those written here are reports of drops.
	counted := int(s.DeliveredEntries + s.DroppedEntries + s.RefusedEntries)
	c.Check(counted >= written+refused && counted <= written+refused+int(s.Attempts), qt.IsTrue)
	c.Check(s.RefusedEntries <= uint64(refused), qt.IsTrue)
	c.Check(uint64(missing) <= s.DroppedEntries, qt.IsTrue)
	c.Check(h.next.dropped() >= s.DroppedEntries, qt.IsTrue) // a report can come twice
	c.Check(len(h.kinds) > 15, qt.IsTrue, qt.Commentf("%d kinds of answers", len(h.kinds)))
}

func (s *chaos) random(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rand.IntN(n)
}

// forget drops the requests, but not the accepted entries.
func (c *collector) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = nil
}
