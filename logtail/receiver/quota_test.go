package receiver_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/racetest"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

func TestQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		const perHour = 10_000
		h := &receiver.Handler{Sink: new(memory), Limits: receiver.Limits{MaxBytesPerHour: perHour}}
		body := `{"a":"` + strings.Repeat("x", 992) + `"}` // 1000 bytes
		refused := uint64(0)
		// sendAll sends until the quota is used up, and returns the number of bytes stored.
		sendAll := func() int {
			was := h.Stats().StoredBytes
			for post(h, body).Code == 200 {
			}
			refused++
			return int(h.Stats().StoredBytes - was)
		}
		largest := 1200 // as it is stored
		n := sendAll()
		c.Check(n >= perHour && n < perHour+largest, qt.IsTrue, qt.Commentf("%d bytes at once", n))
		w := post(h, body)
		refused++
		c.Check(w.Code, qt.Equals, 429)
		wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
		c.Assert(err, qt.IsNil)
		c.Check(wait >= 1 && wait <= 3600*largest/perHour, qt.IsTrue, qt.Commentf("%d s", wait))
		time.Sleep(time.Duration(wait) * time.Second)
		c.Check(post(h, body).Code, qt.Equals, 200)
		c.Check(post(h, body).Code, qt.Equals, 429)
		refused++

		_, other := testID(2)
		c.Check(postTo(h, "/c/c/"+other, body).Code, qt.Equals, 200, qt.Commentf("another node"))

		time.Sleep(1000 * time.Hour)
		n = sendAll()
		c.Check(n >= perHour && n < perHour+largest, qt.IsTrue, qt.Commentf("%d bytes after a long time", n))
		c.Check(h.Stats().OverQuota, qt.Equals, refused)
	})
}

func TestMaxNewIDsPerHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		h := &receiver.Handler{Sink: new(memory), Limits: receiver.Limits{MaxNewIDsPerHour: 10}}
		for n := range byte(10) {
			_, id := testID(n + 1)
			c.Check(postTo(h, "/c/c/"+id, `{}`).Code, qt.Equals, 200)
		}
		_, eleventh := testID(11)
		w := postTo(h, "/c/c/"+eleventh, `{}`)
		c.Check(w.Code, qt.Equals, 429)
		c.Check(w.Header().Get("Retry-After"), qt.Equals, "360")
		_, first := testID(1)
		c.Check(postTo(h, "/c/c/"+first, `{}`).Code, qt.Equals, 200, qt.Commentf("a known ID"))
		time.Sleep(6 * time.Minute)
		c.Check(postTo(h, "/c/c/"+eleventh, `{}`).Code, qt.Equals, 200)
	})
}

// TestQuotaKeepsHistoryFromFlood checks that a node that always sends as much as it may does not
// displace the entries of others, if the quota is MaxBytes divided by the hours of MaxAge.
func TestQuotaKeepsHistoryFromFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dir := t.TempDir()
		const size = filestore.DefaultMaxBytes >> 10 // a thousandth
		const maxAge = 7 * 24 * time.Hour            // shorter than the default, for which the test takes four times as long
		const perHour = int64(size / (maxAge / time.Hour))
		files := storetest.Open(c, dir, filestore.Options{MaxBytes: size, MaxAge: maxAge, MinFreeBytes: -1})
		h := &receiver.Handler{Sink: files, Limits: receiver.Limits{MaxBytesPerHour: perHour}}
		_, quiet := testID(1)
		_, flood := testID(2)
		rng := storetest.NewNoise()
		refused := 0
		hours := int(maxAge/time.Hour) * 29 / 30
		if racetest.Enabled {
			hours = 3 * 24
		}
		for hour := range hours {
			w := postTo(h, "/c/c/"+quiet, fmt.Sprintf(`{"quiet":%d}`, hour))
			c.Assert(w.Code, qt.Equals, 200)
			for refused <= hour {
				if postTo(h, "/c/c/"+flood, `{"a":"`+rng.Line(4000)+`"}`).Code == 429 {
					refused++
				}
			}
			time.Sleep(time.Hour)
			synctest.Wait()
		}
		c.Assert(files.Close(), qt.IsNil)
		_, lines := storetest.Tree(c, dir)
		found := 0
		for _, line := range lines {
			if strings.Contains(line, `"quiet":`) {
				found++
			}
		}
		c.Check(found, qt.Equals, hours)
	})
}

// TestAdmissionOneNodeLeavesRoom checks that slow bodies of one node leave room for other nodes.
func TestAdmissionOneNodeLeavesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		h := &receiver.Handler{Sink: new(memory), Limits: receiver.Limits{MaxRequests: 64}}
		_, flood := testID(1)
		_, other := testID(2)
		slow, finish := io.Pipe()
		var wg sync.WaitGroup
		var busy atomic.Int64
		for range 100 {
			wg.Go(func() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest("POST", "/c/c/"+flood, slow))
				if w.Code == 503 {
					busy.Add(1)
					c.Check(w.Header().Get("Retry-After"), qt.Not(qt.Equals), "")
				}
			})
		}
		synctest.Wait()
		c.Check(busy.Load(), qt.Equals, int64(92))
		c.Check(postTo(h, "/c/c/"+other, `{}`).Code, qt.Equals, 200)
		finish.Close()
		wg.Wait()
		c.Check(postTo(h, "/c/c/"+flood, `{}`).Code, qt.Equals, 200, qt.Commentf("after the slow bodies"))
	})
}

// slowPost sends a request without its body. finish sends the body and returns the status code.
func slowPost(h http.Handler, id string) (finish func(body string) int) {
	body, rest := io.Pipe()
	w := httptest.NewRecorder()
	done := make(chan struct{})
	go func() {
		h.ServeHTTP(w, httptest.NewRequest("POST", "/c/c/"+id, body))
		close(done)
	}()
	return func(body string) int {
		io.WriteString(rest, body)
		rest.Close()
		<-done
		return w.Code
	}
}

func TestQuotaCheckedAfterBody(t *testing.T) {
	_, one := testID(1)
	_, two := testID(2)
	for _, test := range []struct {
		name   string
		limits receiver.Limits
		second string // the node of the second request
	}{
		{"MaxBytesPerHour", receiver.Limits{MaxBytesPerHour: 100}, one},
		{"MaxNewIDsPerHour", receiver.Limits{MaxNewIDsPerHour: 1}, two},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				sink := new(memory)
				h := &receiver.Handler{Sink: sink, Limits: test.limits}
				first, second := slowPost(h, one), slowPost(h, test.second)
				synctest.Wait() // both are admitted, because nothing is used up yet
				body := `{"a":"` + strings.Repeat("x", 1000) + `"}`
				c.Check(first(body), qt.Equals, 200)
				c.Check(second(body), qt.Equals, 429)
				c.Check(sink.take(), qt.HasLen, 1)
				c.Check(h.Stats().OverQuota, qt.Equals, uint64(1))
				c.Check(h.Stats().Nodes, qt.Equals, 1)
			})
		})
	}
}

// TestQuotaDefaultFitsLogger checks that a Logger with default settings and more flows than it can
// write stays within the default quota.
func TestQuotaDefaultFitsLogger(t *testing.T) {
	racetest.Skip(t) // one goroutine, and slow
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		h := &receiver.Handler{Sink: nothing{}}
		l := startMesh(c, logtail.Config{HTTPClient: &http.Client{Transport: &direct{Handler: h}}}, newMesh(20_000))
		time.Sleep(2 * time.Minute)
		c.Assert(l.Shutdown(t.Context()), qt.IsNil)
		c.Check(l.Stats().FoldedFlows > 0, qt.IsTrue, qt.Commentf("more flows than it can write"))
		perHour := h.Stats().StoredBytes * 30
		c.Check(perHour < receiver.DefaultMaxBytesPerHour, qt.IsTrue, qt.Commentf("%d bytes an hour", perHour))
	})
}

// TestQuotaDefaultFitsBacklog checks that a backlog of the default size stays within the default
// quota.
func TestQuotaDefaultFitsBacklog(t *testing.T) {
	racetest.Skip(t) // one goroutine, and slow
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		h := &receiver.Handler{Sink: nothing{}}
		client := &http.Client{Transport: &direct{Handler: h}}

		// A busy node: 500 flows in each window.
		l := startMesh(c, logtail.Config{HTTPClient: client}, newMesh(500))
		busy := 6 * time.Hour // more than a new node may send at once
		if racetest.Enabled {
			busy = time.Hour
		}
		time.Sleep(busy)
		c.Assert(l.Shutdown(t.Context()), qt.IsNil)

		// A node that comes back after days with a full buffer, and does not compress.
		backlog := logtail.NewMemoryBuffer(32 << 20)
		entry := []byte(`{"text":"` + strings.Repeat("x", 64<<10) + `"}`)
		for backlog.Stats().DroppedEntries == 0 {
			c.Assert(backlog.Append(entry), qt.IsNil)
		}
		start := time.Now()
		up, err := logtail.NewLogger(logtail.Config{
			Collection: "c", PrivateID: secrettest.NewID(), HTTPClient: client, Buffer: backlog, DisableCompression: true,
		})
		c.Assert(err, qt.IsNil)
		c.Assert(up.Flush(t.Context()), qt.IsNil)
		c.Check(time.Since(start) < time.Minute, qt.IsTrue, qt.Commentf("%v", time.Since(start)))
		c.Assert(up.Shutdown(t.Context()), qt.IsNil)
		c.Check(h.Stats().OverQuota, qt.Equals, uint64(0))
	})
}
