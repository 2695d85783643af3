package logtail_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

// TestServerNeverAnswers has a server that accepts a connection and never answers. The attempt must
// end at its timeout, and close its connection.
func TestServerNeverAnswers(t *testing.T) {
	t.Parallel()
	c := qt.New(t)
	closed := make(chan struct{})
	srv, url := listenWithFault(t, func(conn net.Conn, r *bufio.Reader) {
		io.Copy(io.Discard, r)
		close(closed)
	})
	l := startReal(t, url, withTimeout())
	l.write(0, 5)
	<-closed
	l.drain()
	// Only attempts that time out on the way back can repeat entries.
	c.Check(len(srv.numbers()) <= 5*int(l.Stats().Attempts-1), qt.IsTrue)
	c.Check(distinct(srv.numbers()), qt.DeepEquals, count(5))
}

// TestSlowServerDelaysNoWriter has a server that reads one byte and then pauses.
func TestSlowServerDelaysNoWriter(t *testing.T) {
	t.Parallel()
	c := qt.New(t)
	srv := newCollector(t, nil)
	reading, goOn := make(chan struct{}), make(chan struct{})
	url := listen(t, func(n int, conn net.Conn) {
		first := make([]byte, 1)
		io.ReadFull(conn, first)
		if n == 0 {
			close(reading)
			<-goOn
		}
		serve(srv, conn, bufio.NewReader(io.MultiReader(bytes.NewReader(first), conn)))
	})
	l := startReal(t, url, logtail.Config{DisableCompression: true})
	const n = 500 // more than the kernel buffers for a server that does not read
	l.writeSized(0, 1, 20_000)
	<-reading
	l.writeSized(1, n, 10_000)
	c.Check(l.Stats().BufferedEntries, qt.Equals, n)
	c.Check(srv.numbers(), qt.HasLen, 0)
	close(goOn)
	l.drain()
	c.Check(srv.numbers(), qt.DeepEquals, count(n))
}

// TestGzipPlainServer has a server without zstd, and checks what it gets on a connection.
func TestGzipPlainServer(t *testing.T) {
	t.Parallel()
	c := qt.New(t)
	var mu sync.Mutex // guards bodies
	var bodies []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Equal(r.Header["Content-Encoding"], []string{"gzip"}) || r.Header.Get("Content-Type") != "application/x-ndjson" {
			w.WriteHeader(http.StatusUnsupportedMediaType)
			return
		}
		raw, err := io.ReadAll(r.Body)
		c.Check(err, qt.IsNil)
		c.Check(r.ContentLength, qt.Equals, int64(len(raw)))
		body, err := gunzip(raw)
		c.Check(err, qt.IsNil)
		c.Check(r.Header.Get("Orig-Content-Length"), qt.Equals, strconv.Itoa(len(body)))
		mu.Lock()
		defer mu.Unlock()
		bodies = append(bodies, string(body))
	}))
	defer srv.Close()
	l := startReal(t, srv.URL, logtail.Config{Gzip: true, Encoding: logtail.NDJSON})
	for n := range 3 { // the second and third use the memory of the first
		l.writeSized(n, n+1, 100_000>>(4*n))
		c.Assert(l.Flush(t.Context()), qt.IsNil)
	}
	l.drain()
	c.Assert(bodies, qt.HasLen, 3)
	for n, body := range bodies {
		c.Check(body, qt.Matches, fmt.Sprintf(`\{"logtail":.*"n":%d.*\}\n`, n))
	}
}

// TestLateAnswerAcknowledgesNothing has a server that answers the first attempt after its timeout. The
// answer must not acknowledge the entries of the next attempt.
func TestLateAnswerAcknowledgesNothing(t *testing.T) {
	t.Parallel()
	c := qt.New(t)
	collector := newCollector(t, nil)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, _ := collector.receive(r) // nil if the attempt timed out earlier
		if req != nil && req.n == 0 {
			<-r.Context().Done() // the attempt has timed out
		}
		w.WriteHeader(http.StatusOK)
	}))
	defer srv.Close()
	l := startReal(t, srv.URL, withTimeout())
	l.write(0, 5)
	c.Assert(l.Flush(t.Context()), qt.IsNil)
	l.write(5, 10)
	l.drain()
	seen := collector.seen()
	c.Assert(len(seen) >= 3, qt.IsTrue)
	sent := seen[0].entries
	for i, e := range collector.accepted()[len(sent):][:len(sent)] { // sent again, with the same bytes
		c.Check(string(e.raw), qt.Equals, string(sent[i].raw))
	}
	c.Check(l.Stats().DeliveredEntries, qt.Equals, uint64(10))
	last := collector.numbers()
	c.Check(last[len(last)-5:], qt.DeepEquals, []int{5, 6, 7, 8, 9})
}

// TestRedirectsAreNotFollowed has redirects to another server. A request to it would contain the ID
// in its path, and the entries.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, code := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			c := qt.New(t)
			var followed atomic.Int32
			other := listen(t, func(int, net.Conn) { followed.Add(1) })
			answered := make(chan struct{}, 10)
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, other+"/elsewhere", code)
				answered <- struct{}{}
			}))
			defer srv.Close()
			l := startReal(t, srv.URL, logtail.Config{HTTPClient: &http.Client{}})
			l.write(0, 3)
			<-answered
			<-answered // the second attempt
			checkUndelivered(c, l.shutdown(0), 3, false)
			c.Check(followed.Load(), qt.Equals, int32(0))
		})
	}
}

// TestEndlessAnswers has large bodies of answers. The uploader must read only a little of them, and
// must not decompress them. The test is not parallel, because it measures the heap of the process.
func TestEndlessAnswers(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	z.Write(make([]byte, 64<<20))
	z.Close()
	for _, test := range []struct {
		name  string
		write func(w http.ResponseWriter)
	}{
		{"endless", func(w http.ResponseWriter) {
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}},
		{"gzip bomb", func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb.Bytes())
		}},
	} {
		for _, code := range []int{200, 500} {
			t.Run(fmt.Sprint(test.name, code), func(t *testing.T) {
				c := qt.New(t)
				answered := make(chan struct{}, 10)
				srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.WriteHeader(code)
					test.write(w)
					answered <- struct{}{}
				}))
				defer srv.Close()
				l := startReal(t, srv.URL, logtail.Config{})
				before := heap()
				l.write(0, 1)
				<-answered
				if code == 200 {
					l.drain()
				} else {
					checkUndelivered(c, l.shutdown(0), 1, false)
				}
				c.Check(heap()-before < 8<<20, qt.IsTrue)
			})
		}
	}
}
