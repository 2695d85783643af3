package otel_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/otel"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// windowOf returns a record with flows to the given ports, as those of uploader.write.
func windowOf(ports ...int) *record.Message {
	m := &record.Message{NodeID: "a", Start: time.Unix(1, 1).UTC(), End: time.Unix(6, 0).UTC()}
	for _, port := range ports {
		m.VirtualTraffic = append(m.VirtualTraffic, connection(17, "100.64.0.1:53", fmt.Sprintf("100.64.0.2:%d", port), tunstats.Counts{TxPackets: 1, TxBytes: 60}))
	}
	return m
}

// provider returns a LoggerProvider of the SDK that sends to srv.
func provider(t testing.TB, srv http.Handler, opts ...sdklog.BatchProcessorOption) *sdklog.LoggerProvider {
	server := httptest.NewServer(srv)
	t.Cleanup(server.Close)
	exporter, err := otlploghttp.New(t.Context(),
		otlploghttp.WithEndpointURL(server.URL+"/v1/logs"),
		otlploghttp.WithHeaders(map[string]string{"Authorization": "Bearer " + secrettest.Token}))
	qt.Assert(t, err, qt.IsNil)
	return sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter, opts...)))
}

// TestNewDeliversWithSDK sends the largest windows that a Logger makes by default.
func TestNewDeliversWithSDK(t *testing.T) {
	srv := &collector{t: t}
	p := provider(t, srv, sdklog.WithMaxQueueSize(1<<16))
	onRecord := otel.New(p)
	want := upTo(tunstats.DefaultMaxFlows)
	onRecord(windowOf(want[:1]...))
	onRecord(windowOf(want[1:]...))
	qt.Assert(t, p.Shutdown(t.Context()), qt.IsNil)
	qt.Check(t, srv.bodies(), qt.DeepEquals, bodiesOf(want...))
}

// TestNewNeverWaits has a collector that does not answer, and a queue that is too small. The oldest log
// records are lost.
func TestNewNeverWaits(t *testing.T) {
	hang := make(chan struct{})
	srv := &collector{t: t, answer: func(int, *request, http.ResponseWriter) { <-hang }}
	p := provider(t, srv, sdklog.WithMaxQueueSize(100), sdklog.WithExportMaxBatchSize(10))
	onRecord := otel.New(p)
	for i := range 100 {
		onRecord(windowOf(upTo(1000)[10*i : 10*i+10]...))
	}
	close(hang)
	qt.Assert(t, p.Shutdown(t.Context()), qt.IsNil)
	got := srv.bodies()
	qt.Check(t, len(got) < 1000, qt.IsTrue)
	for _, newest := range bodiesOf(upTo(1000)[900:]...) {
		qt.Check(t, slices.Contains(got, newest), qt.IsTrue, qt.Commentf("%s", newest))
	}
}

// TestTransportOwnUploadsLeftOut has a collector that is reached through the tunnel.
func TestTransportOwnUploadsLeftOut(t *testing.T) {
	dev := &device{flows: make(map[flowtrack.Tuple]tunstats.Counts)}
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		dev.add(flowtrack.Tuple{
			Proto: flowtrack.TCP, Src: netip.MustParseAddrPort(r.RemoteAddr),
			Dst: r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr).AddrPort(),
		})
	}))
	t.Cleanup(srv.Close)
	var transport otel.Transport
	l := netlog.Logger{PollPeriod: time.Millisecond, Upload: logtail.Config{
		URL: srv.URL + "/v1/logs", HTTPClient: &http.Client{Transport: &transport},
	}}
	qt.Assert(t, l.Startup(secrettest.NewID(), logtail.PrivateID{}, dev, nil), qt.IsNil)
	dev.add(flowtrack.Tuple{Proto: flowtrack.UDP, Src: netip.MustParseAddrPort("10.0.0.2:1"), Dst: netip.MustParseAddrPort("10.0.0.3:2")})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for l.Stats().OwnUploads.TxPackets == 0 {
		qt.Assert(t, ctx.Err(), qt.IsNil)
		runtime.Gosched()
	}
	qt.Check(t, l.Shutdown(ctx), qt.IsNil)
	qt.Check(t, l.Stats().Records, qt.Equals, uint64(1))
	transport.CloseIdleConnections()
}

// device is a Device that counts what add is told.
type device struct {
	mu    sync.Mutex
	flows map[flowtrack.Tuple]tunstats.Counts
}

func (d *device) add(flow flowtrack.Tuple) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flows[flow] = d.flows[flow].Add(tunstats.Counts{TxPackets: 1, TxBytes: 40})
}

func (d *device) SetStatisticsEnabled(bool) {}

func (d *device) ExtractStatistics() map[flowtrack.Tuple]tunstats.Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	flows := d.flows
	d.flows = make(map[flowtrack.Tuple]tunstats.Counts)
	return flows
}
