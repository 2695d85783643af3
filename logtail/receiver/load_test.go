package receiver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

// appendRecord appends the entry of one window with three flows, about 520 bytes.
func appendRecord(b []byte, proc uint32, seq int) []byte {
	b = fmt.Appendf(b, `{"logtail":{"client_time":"2026-11-22T10:00:05.%09dZ","proc_id":%d,"proc_seq":%d},"nodeId":"n%d",`+
		`"start":"2026-11-22T10:00:00.%09dZ","end":"2026-11-22T10:00:05.%09dZ","virtualTraffic":[`, seq, proc, seq, proc, seq, seq)
	for i := range 3 {
		b = fmt.Appendf(b, `{"proto":6,"src":"100.64.0.1:%d","dst":"100.64.%d.%d:443","txPkts":%d,"txBytes":%d,"rxPkts":%d,"rxBytes":%d},`,
			32768+(seq*7919+i)%28232, proc%250, i, seq%90+1, seq*131%90000, seq%50+1, seq*977%900000)
	}
	return append(b[:len(b)-1], "]}"...)
}

// nodeBody generates the bodies of one node.
type nodeBody struct {
	proc    uint32
	seq     int
	objects int
	zstd    *zstd.Encoder
	plain   []byte
}

func newNodeBody(tb testing.TB, proc uint32, objects int) *nodeBody {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		tb.Fatal(err)
	}
	return &nodeBody{proc: proc, objects: objects, zstd: z}
}

// next returns the next body. It overwrites dst.
func (n *nodeBody) next(dst []byte) []byte {
	n.plain = append(n.plain[:0], '[')
	for range n.objects {
		n.plain = append(appendRecord(n.plain, n.proc, n.seq), ',')
		n.seq++
	}
	n.plain[len(n.plain)-1] = ']'
	return n.zstd.EncodeAll(n.plain, dst[:0])
}

// nothing is a Sink that stores nothing.
type nothing struct{}

func (nothing) Store(context.Context, receiver.Batch) error { return nil }

// BenchmarkHandler measures one request without a network: checks, decompression, attribution and,
// with files, the write.
func BenchmarkHandler(b *testing.B) {
	for _, sink := range []string{"nothing", "files"} {
		for _, objects := range []int{1, 100} {
			b.Run(fmt.Sprintf("sink=%s/objects=%d", sink, objects), func(b *testing.B) {
				h := &receiver.Handler{Sink: nothing{}, Limits: receiver.Limits{MaxBytesPerHour: -1}}
				if sink == "files" {
					files, err := filestore.Open(b.TempDir(), filestore.Options{MaxBytes: 256 << 20})
					if err != nil {
						b.Fatal(err)
					}
					defer files.Close()
					h.Sink = files
				}
				node := newNodeBody(b, 1, objects)
				_, id := testID(1)
				b.ReportAllocs()
				var body []byte
				for b.Loop() {
					b.StopTimer()
					body = node.next(body)
					r := httptest.NewRequest("POST", "/c/c/"+id, bytes.NewReader(body))
					r.Header.Set("Content-Encoding", "zstd")
					w := httptest.NewRecorder()
					b.StartTimer()
					h.ServeHTTP(w, r)
					if w.Code != 200 {
						b.Fatal(w.Code, w.Body)
					}
				}
				b.SetBytes(int64(len(node.plain)))
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*objects), "ns/object")
			})
		}
	}
}

// TestLoad puts a receiver under the load of 32 clients over loopback, and afterwards counts the
// entries in the files. It runs if NETLOG_LOAD is set to the duration of each load.
func TestLoad(t *testing.T) {
	duration, err := time.ParseDuration(os.Getenv("NETLOG_LOAD"))
	if err != nil {
		t.Skip("set NETLOG_LOAD=6s to run this test")
	}
	for _, objects := range []int{1, 100} {
		t.Run(fmt.Sprintf("objects=%d", objects), func(t *testing.T) {
			c := qt.New(t)
			least := newLeast(c)
			load(c, least, "the least that stores", duration, objects)
			dir := c.TempDir()
			files := storetest.Open(c, dir, filestore.Options{})
			h := &receiver.Handler{Sink: files, Limits: receiver.Limits{MaxBytesPerHour: -1}}
			posts := load(c, h, "Handler and Files", duration, objects)
			c.Assert(files.Close(), qt.IsNil)
			checkLoaded(c, dir, h.Stats(), posts*uint64(objects))
		})
	}
}

// load sends to h for a duration, and returns the number of requests answered 200.
func load(c *qt.C, h http.Handler, name string, duration time.Duration, objects int) uint64 {
	const clients = 32
	srv := httptest.NewServer(h)
	defer srv.Close()

	var posts atomic.Int64
	times := make([][]time.Duration, clients)
	var heap []uint64
	ctx, cancel := context.WithTimeout(c.Context(), duration)
	defer cancel()
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() {
			times[n] = loadClient(ctx, c, srv.Listener.Addr(), uint32(n), objects)
			posts.Add(int64(len(times[n])))
		})
	}
	for tick := time.NewTicker(duration / 6); ctx.Err() == nil; {
		select {
		case <-tick.C:
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			heap = append(heap, m.HeapInuse>>20)
		case <-ctx.Done():
		}
	}
	wg.Wait()
	all := slices.Sorted(slices.Values(slices.Concat(times...)))
	c.Logf("%s, %d clients, zstd, %d objects a request: %.0f requests/s, %.0f objects/s; p50 %v, p99 %v; heap of server and clients in MiB, over time: %d",
		name, clients, objects, float64(posts.Load())/duration.Seconds(), float64(posts.Load())*float64(objects)/duration.Seconds(),
		all[len(all)/2], all[len(all)*99/100], heap)
	return uint64(posts.Load())
}

// checkLoaded checks that dir has each entry that was answered 200 exactly once.
func checkLoaded(c *qt.C, dir string, st receiver.Stats, want uint64) {
	c.Check(st.Stored, qt.Equals, want)
	c.Check([]uint64{st.Repeated, st.Conflicts, st.Missing, st.Unavailable}, qt.DeepEquals, []uint64{0, 0, 0, 0})
	stored := make(map[[2]uint64]int)
	_, lines := storetest.Tree(c, dir)
	for _, line := range lines {
		var e struct {
			Logtail struct {
				Proc uint64 `json:"proc_id"`
				Seq  uint64 `json:"proc_seq"`
			}
		}
		c.Assert(json.Unmarshal([]byte(line), &e), qt.IsNil)
		stored[[2]uint64{e.Logtail.Proc, e.Logtail.Seq}]++
	}
	c.Check(uint64(len(lines)), qt.Equals, st.Stored)
	c.Check(uint64(len(stored)), qt.Equals, st.Stored, qt.Commentf("duplicates"))
}

// loadClient sends until ctx ends, and returns how long each answer took. It finishes the last
// request, so that the files have no entry that is not counted.
func loadClient(ctx context.Context, c *qt.C, addr net.Addr, proc uint32, objects int) (times []time.Duration) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	id, err := secrettest.NewID().MarshalText()
	c.Check(err, qt.IsNil)
	url := fmt.Sprintf("http://%s/c/load/%s", addr, id)
	node := newNodeBody(c, proc, objects)
	var body []byte
	for ctx.Err() == nil {
		body = node.next(body)
		r, err := http.NewRequest("POST", url, bytes.NewReader(body))
		c.Check(err, qt.IsNil)
		r.Header.Set("Content-Encoding", "zstd")
		start := time.Now()
		resp, err := client.Do(r)
		if err != nil {
			c.Error(err)
			return times
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		times = append(times, time.Since(start))
		c.Check(resp.StatusCode, qt.Equals, 200)
	}
	return times
}
