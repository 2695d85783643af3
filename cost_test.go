package netlog_test

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// What a window costs that no other machine changes: bytes on the wire, objects
// allocated, memory that stays. internal/bench measures the same and the time of
// it, and compares with others.

// weigh is a transport that keeps nothing of a body but its length.
type weigh struct {
	space          [64 << 10]byte
	requests, wire atomic.Int64
}

func (w *weigh) RoundTrip(req *http.Request) (*http.Response, error) {
	defer req.Body.Close()
	for {
		n, err := req.Body.Read(w.space[:])
		w.wire.Add(int64(n))
		if err == io.EOF {
			w.requests.Add(1)
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// busyTuples are n flows of a node with 200 peers, few of which are talked to
// much. Either side may be the one with the service.
func busyTuples(n int) []flowtrack.Tuple {
	rnd := rand.New(rand.NewPCG(1, uint64(n)))
	zipf := rand.NewZipf(rnd, 1.2, 1, 199)
	services := []uint16{443, 443, 443, 22, 53, 80, 8080, 5432}
	seen := make(map[flowtrack.Tuple]bool, n)
	tuples := make([]flowtrack.Tuple, 0, n)
	for len(tuples) < n {
		here, there := services[rnd.IntN(len(services))], uint16(32768+rnd.IntN(28232))
		if rnd.IntN(2) == 0 {
			here, there = there, here
		}
		who := zipf.Uint64()
		far := netip.AddrFrom4([4]byte{100, byte(64 + who%64), byte(who * 37), byte(1 + who)})
		t := flowtrack.Tuple{Proto: flowtrack.TCP, Src: netip.AddrPortFrom(local.Addr(), here), Dst: netip.AddrPortFrom(far, there)}
		if !seen[t] {
			seen[t] = true
			tuples = append(tuples, t)
		}
	}
	return tuples
}

// sizes gives the bytes of a packet of a flow, sent and received.
type sizes func(*rand.Rand) (tx, rx uint64)

// bulk is acknowledgements one way and full packets the other. mixed is any size:
// nothing in the byte counts can be compressed, which is the worst case.
func bulk(*rand.Rand) (tx, rx uint64)      { return 40, 1400 }
func mixed(rnd *rand.Rand) (tx, rx uint64) { return 40 + rnd.Uint64N(1400), 40 + rnd.Uint64N(1400) }

// busyWindow gives flows fresh counts, ten packets in the mean.
func busyWindow(tuples []flowtrack.Tuple, of sizes, seed uint64) map[flowtrack.Tuple]tunstats.Counts {
	rnd := rand.New(rand.NewPCG(2, seed))
	flows := make(map[flowtrack.Tuple]tunstats.Counts, len(tuples))
	for _, t := range tuples {
		c := tunstats.Counts{TxPackets: 1 + uint64(rnd.ExpFloat64()*10), RxPackets: 1 + uint64(rnd.ExpFloat64()*10)}
		tx, rx := of(rnd)
		c.TxBytes, c.RxBytes = c.TxPackets*tx, c.RxPackets*rx
		flows[t] = c
	}
	return flows
}

// beginAndEnd gives one flow in ten the flags of a connection that begins or ends.
func beginAndEnd(flows map[flowtrack.Tuple]tunstats.Counts, seed uint64) {
	rnd := rand.New(rand.NewPCG(3, seed))
	for _, t := range slices.SortedFunc(maps.Keys(flows), flowtrack.Tuple.Compare) {
		c := flows[t]
		switch rnd.IntN(20) {
		case 0:
			c.TxFlags, c.RxFlags = tunstats.SYN, tunstats.SYN|tunstats.ACK
		case 1:
			c.TxFlags, c.RxFlags = tunstats.FIN, tunstats.FIN
		}
		flows[t] = c
	}
}

// hand makes flows the next window of d.
func (d *fakeDevice) hand(flows map[flowtrack.Tuple]tunstats.Counts) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flows = flows
}

func TestWireBytesPerFlow(t *testing.T) {
	for _, test := range []struct {
		name       string
		flows      int
		of         sizes
		flushDelay time.Duration
		windows    int
		flags      bool // one flow in ten begins or ends
		most       float64
	}{
		{"a window by itself, the worst case", 500, mixed, 0, 1, false, 19.6},
		{"the worst case with flags", 500, mixed, 0, 1, true, 20.3},
		{"a window by itself", 500, bulk, 0, 1, false, 16},
		{"six windows of the same flows in one request", 250, bulk, time.Minute, 6, false, 12},
		{"six windows with flags", 250, bulk, time.Minute, 6, true, 12.7},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sink, dev := new(weigh), new(fakeDevice)
				l := netlog.Logger{NodeID: "n123456CNTRL"}
				l.Upload.HTTPClient = &http.Client{Transport: sink}
				l.Upload.FlushDelay = test.flushDelay
				startup(t, &l, dev, routes("100.64.0.0/10"))
				tuples := busyTuples(test.flows)
				for i := range test.windows {
					flows := busyWindow(tuples, test.of, uint64(i))
					if test.flags {
						beginAndEnd(flows, uint64(i))
					}
					dev.hand(flows)
					time.Sleep(5 * time.Second)
				}
				shutdown(t, &l)
				perFlow := float64(sink.wire.Load()) / float64(test.windows*len(tuples))
				t.Logf("%.1f bytes a flow in %d requests", perFlow, sink.requests.Load())
				qt.Check(t, sink.requests.Load(), qt.Equals, int64(1))
				qt.Check(t, perFlow > 5 && perFlow <= test.most, qt.IsTrue, qt.Commentf("%.1f bytes", perFlow))
			})
		})
	}
}

func TestWindowAllocs(t *testing.T) {
	for _, test := range []struct {
		flows int
		most  uint64
	}{
		{500, 64},
		{10_000, 100}, // five requests, of which each takes some
	} {
		t.Run(fmt.Sprint(test.flows), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sink, dev := new(weigh), new(fakeDevice)
				l := netlog.Logger{}
				l.Upload.HTTPClient = &http.Client{Transport: sink}
				startup(t, &l, dev, routes("100.64.0.0/10"))
				tuples := busyTuples(test.flows)
				var allocs []uint64
				for i := range 9 {
					dev.hand(busyWindow(tuples, mixed, uint64(i)))
					before := mallocs()
					time.Sleep(5 * time.Second)
					synctest.Wait()
					allocs = append(allocs, mallocs()-before)
				}
				shutdown(t, &l)
				slices.Sort(allocs)
				median := allocs[len(allocs)/2]
				t.Logf("%d objects a window", median)
				qt.Check(t, median <= test.most, qt.IsTrue, qt.Commentf("%d of all: %v", median, allocs))
			})
		})
	}
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

func TestMemoryAfterBusyWindows(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	synctest.Test(t, func(t *testing.T) {
		sink, dev := new(weigh), new(fakeDevice)
		var l netlog.Logger
		l.Upload.HTTPClient = &http.Client{Transport: sink}
		tuples := busyTuples(16_000)
		before := heap()
		startup(t, &l, dev, routes("100.64.0.0/10"))
		for i := range 3 {
			dev.hand(busyWindow(tuples, mixed, uint64(i)))
			time.Sleep(5 * time.Second)
		}
		synctest.Wait()
		busy := heap() - before
		qt.Assert(t, l.Stats().Upload.BufferedEntries, qt.Equals, 0)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		quiet := heap() - before
		t.Logf("%d KiB while busy, %d KiB ten seconds later", busy>>10, quiet>>10)
		qt.Check(t, busy > quiet, qt.IsTrue, qt.Commentf("the test measures something"))
		qt.Check(t, quiet < 1<<20, qt.IsTrue, qt.Commentf("%d bytes", quiet))
		shutdown(t, &l)
		runtime.KeepAlive(tuples)
	})
}
