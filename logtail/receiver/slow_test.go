package receiver_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/pipetest"
	"github.com/go-netlog/netlog/internal/racetest"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

// TestSlowBodies checks that clients that send a byte per second get 408 at ReadTimeout, although the
// server has no deadline, and do not delay others.
func TestSlowBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		sink := new(memory)
		l := pipetest.NewListener()
		srv := &http.Server{Handler: &receiver.Handler{Sink: sink, Limits: receiver.Limits{MaxRequests: 256}}}
		go srv.Serve(l)
		defer srv.Close()
		var wg sync.WaitGroup
		for n := range 50 {
			_, id := testID(byte(2 + n))
			wg.Go(func() {
				conn := l.Dial()
				defer conn.Close()
				fmt.Fprintf(conn, "POST /c/c/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n[", id)
				start := time.Now()
				wg.Go(func() {
					for err := error(nil); err == nil; time.Sleep(time.Second) {
						_, err = io.WriteString(conn, " ")
					}
				})
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				c.Check(err, qt.IsNil)
				c.Check(resp.StatusCode, qt.Equals, 408)
				c.Check(time.Since(start), qt.Equals, receiver.DefaultReadTimeout)
			})
		}
		time.Sleep(time.Second)
		_, id := testID(1)
		conn := l.Dial()
		defer conn.Close()
		go fmt.Fprintf(conn, "POST /c/c/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", id)
		start := time.Now()
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		c.Assert(err, qt.IsNil)
		c.Check(resp.StatusCode, qt.Equals, 200)
		c.Check(time.Since(start), qt.Equals, time.Duration(0))
		wg.Wait()
		c.Check(sink.take(), qt.HasLen, 1)
	})
}

// TestBodyShortNotStored checks that a body that is shorter than Content-Length is not stored, even if
// it is valid.
func TestBodyShortNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		sink := new(memory)
		l := pipetest.NewListener()
		h := &receiver.Handler{Sink: sink}
		srv := &http.Server{Handler: h}
		go srv.Serve(l)
		defer srv.Close()
		_, id := testID(1)
		conn := l.Dial()
		fmt.Fprintf(conn, "POST /c/c/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n{}", id)
		conn.Close()
		synctest.Wait()
		c.Check(sink.take(), qt.HasLen, 0)
		c.Check(h.Stats().Malformed, qt.Equals, uint64(1))
	})
}

// TestBombsBoundedMemory checks that few bodies are decompressed at the same time, and none to more
// than MaxDecodedBytes.
func TestBombsBoundedMemory(t *testing.T) {
	racetest.Skip(t) // it measures memory
	c := qt.New(t)
	h := &receiver.Handler{Sink: nothing{}, Limits: receiver.Limits{StoreTimeout: time.Hour}}
	bombs := []string{
		storetest.Compress("[" + strings.Repeat(" ", 512<<20>>4) + "]"),                        // 32 MiB in a few kB
		strings.Repeat(storetest.Compress(strings.Repeat(" ", 1<<20)), 512),                    // 512 MiB in many frames
		storetest.Compress("[" + strings.Repeat("{},", 2<<20) + "{}]"),                         // 2 million entries in 6 MiB
		storetest.Compress(`{"a":` + strings.Repeat("[", 7<<20)),                               // 7 million levels
		storetest.Compress(`{` + members(400_000) + `}`),                                       // 400,000 members in 5 MiB
		storetest.Compress(strings.Repeat(`{"a":"`+strings.Repeat(`\u0061`, 100)+`"}`, 9_999)), // 6 MiB of escapes, valid

		storetest.Gzip("[" + strings.Repeat(" ", 512<<20>>4) + "]"),                        // 32 MiB in 33 kB
		strings.Repeat(storetest.Gzip(strings.Repeat(" ", 1<<20)), 512),                    // 512 MiB in many members
		storetest.Gzip("[" + strings.Repeat("{},", 2<<20) + "{}]"),                         // 2 million entries in 6 MiB
		storetest.Gzip(strings.Repeat(`{"a":"`+strings.Repeat(`\u0061`, 100)+`"}`, 9_999)), // 6 MiB of escapes, valid
	}
	stop, peak := make(chan struct{}), make(chan uint64)
	go func() {
		most := uint64(0)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
			select {
			case <-stop:
				peak <- most
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	var wg sync.WaitGroup
	for n := range 3 * len(bombs) {
		wg.Go(func() {
			_, id := testID(byte(n + 1))
			encoding, want := "zstd", 413
			if strings.HasPrefix(bombs[n%len(bombs)], "\x1f\x8b") {
				encoding = "gzip"
			}
			if n%len(bombs) == 5 || n%len(bombs) == len(bombs)-1 {
				want = 200
			}
			w := postTo(h, "/c/c/"+id, bombs[n%len(bombs)], "Content-Encoding", encoding)
			if w.Code != want {
				t.Errorf("bomb %d: %d %s", n%len(bombs), w.Code, w.Body)
			}
		})
	}
	wg.Wait()
	close(stop)
	atOnce := max(4, 2*runtime.GOMAXPROCS(0))
	most := <-peak
	t.Logf("at most %d MiB in use", most>>20)
	c.Check(most < uint64(100+60*atOnce)<<20, qt.IsTrue, qt.Commentf("%d MiB", most>>20))
}
