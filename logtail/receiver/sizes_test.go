package receiver_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
	"github.com/go-netlog/netlog/tunstats"
)

// mesh is a Device with flows between one address and 200 peers, drawn from a Zipf distribution. A
// fifth of the flows is new in each window. With flags, those have the flags of a beginning.
type mesh struct {
	rng   *rand.Rand
	zipf  *rand.Zipf
	flows []flowtrack.Tuple
	flags bool
}

// newMesh returns a mesh with the given number of flows.
func newMesh(flows int) *mesh {
	rng := rand.New(rand.NewPCG(1, 2))
	m := &mesh{rng: rng, zipf: rand.NewZipf(rng, 1.2, 1, 199)}
	for range flows {
		m.flows = append(m.flows, m.flow())
	}
	return m
}

// flow returns a random flow.
func (m *mesh) flow() flowtrack.Tuple {
	peer := netip.AddrFrom4([4]byte{100, 64, 1, byte(m.zipf.Uint64())})
	service := []uint16{443, 22, 53, 5432, 6443}[m.rng.IntN(5)]
	local := netip.AddrPortFrom(netip.AddrFrom4([4]byte{100, 64, 0, 1}), uint16(32768+m.rng.IntN(28232)))
	return flowtrack.Tuple{Proto: flowtrack.TCP, Src: local, Dst: netip.AddrPortFrom(peer, service)}
}

func (m *mesh) SetStatisticsEnabled(bool) {}

func (m *mesh) ExtractStatistics() map[flowtrack.Tuple]tunstats.Counts {
	stats := make(map[flowtrack.Tuple]tunstats.Counts)
	for n := range m.flows {
		isNew := m.rng.IntN(5) == 0
		if isNew {
			m.flows[n] = m.flow()
		}
		packets := uint64(math.Ceil(m.rng.ExpFloat64() * 20))
		counts := tunstats.Counts{
			TxPackets: packets, TxBytes: packets * uint64(40+m.rng.IntN(1360)),
			RxPackets: packets, RxBytes: packets * uint64(40+m.rng.IntN(1360)),
		}
		if m.flags && isNew {
			counts.TxFlags, counts.RxFlags = tunstats.SYN, tunstats.SYN|tunstats.ACK
		}
		stats[m.flows[n]] = counts
	}
	return stats
}

// startMesh starts a Logger of a mesh.
func startMesh(c *qt.C, upload logtail.Config, m *mesh) *netlog.Logger {
	l := &netlog.Logger{Upload: upload}
	err := l.Startup(secrettest.NewID(), logtail.PrivateID{}, m, &netlog.RouteConfig{
		LocalAddrs: []netip.Prefix{netip.MustParsePrefix("100.64.0.1/10")},
	})
	c.Assert(err, qt.IsNil)
	return l
}

// direct is a transport to a Handler without a network. It counts requests and their bytes.
type direct struct {
	http.Handler
	requests, bytes int64
}

func (d *direct) RoundTrip(r *http.Request) (*http.Response, error) {
	d.requests++
	d.bytes += r.ContentLength
	w := httptest.NewRecorder()
	r.RequestURI = r.URL.RequestURI()
	d.ServeHTTP(w, r)
	r.Body.Close()
	return w.Result(), nil
}

// TestSizes prints the requests and bytes of a node per day, for docs/receiver.md and docs/scale.md. It
// runs if NETLOG_SIZES is set. The columns are flows a window, TCP flags, FlushDelay, requests, sent,
// stored plain and stored finished.
func TestSizes(t *testing.T) {
	if os.Getenv("NETLOG_SIZES") == "" {
		t.Skip("set NETLOG_SIZES=1 to run this test")
	}
	for _, flows := range []int{10, 50, 500} {
		for _, delay := range []time.Duration{0, time.Minute} {
			for _, flags := range []bool{false, true} {
				m := newMesh(flows)
				m.flags = flags
				measure(t, m, delay)
			}
		}
	}
}

// measure prints one row of the table.
func measure(t *testing.T, m *mesh, delay time.Duration) {
	dir := t.TempDir()
	var sent *direct
	var stored uint64
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		files := storetest.Open(c, dir, filestore.Options{})
		h := &receiver.Handler{Sink: files, Limits: receiver.Limits{MaxBytesPerHour: -1}}
		sent = &direct{Handler: h}
		l := startMesh(c, logtail.Config{HTTPClient: &http.Client{Transport: sent}, FlushDelay: delay}, m)
		time.Sleep(time.Hour)
		c.Assert(l.Shutdown(t.Context()), qt.IsNil)
		stored = h.Stats().StoredBytes
		time.Sleep(24 * time.Hour) // until the file of the day is compressed
		synctest.Wait()
		c.Assert(files.Close(), qt.IsNil)
	})
	disk := int64(0)
	paths, err := filepath.Glob(filepath.Join(dir, "netlog", "*.zst"))
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		disk += info.Size()
	}
	perDay := func(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)*24/1e6) }
	t.Logf("| %d | %v | %v | %d | %s | %s | %s |", len(m.flows), m.flags, delay,
		sent.requests*24, perDay(sent.bytes), perDay(int64(stored)), perDay(disk))
}
