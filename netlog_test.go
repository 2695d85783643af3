package netlog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// fakeDevice is a Device fed by hand.
type fakeDevice struct {
	mu      sync.Mutex
	flows   map[flowtrack.Tuple]tunstats.Counts
	on      bool
	toggles int
	calls   int
	extract func() // called by ExtractStatistics first, without mu
}

func (d *fakeDevice) SetStatisticsEnabled(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.on = on
	d.toggles++
	d.calls++
}

func (d *fakeDevice) ExtractStatistics() map[flowtrack.Tuple]tunstats.Counts {
	if d.extract != nil {
		d.extract()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	flows := d.flows
	d.flows = nil
	return flows
}

// count adds c to flow t, if counting is on.
func (d *fakeDevice) count(t flowtrack.Tuple, c tunstats.Counts) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.on {
		return
	}
	if d.flows == nil {
		d.flows = make(map[flowtrack.Tuple]tunstats.Counts)
	}
	d.flows[t] = d.flows[t].Add(c)
}

// stale adds to the counters whether counting is on or not.
func (d *fakeDevice) stale(t flowtrack.Tuple, c tunstats.Counts) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flows = map[flowtrack.Tuple]tunstats.Counts{t: c}
}

func (d *fakeDevice) seen() (on bool, toggles, calls int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.on, d.toggles, d.calls
}

// server is a log server in memory: an http.RoundTripper that answers as told.
type server struct {
	mu       sync.Mutex
	answer   func(req *http.Request) (int, error) // nil: 200
	records  []netlog.Message
	bodies   bytes.Buffer // as sent
	plain    bytes.Buffer // decompressed
	requests int
}

func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req.Body.Close()
	status := 200
	if s.answer != nil {
		if status, err = s.answer(req); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if status == 200 {
		if err := s.store(sent, req.Header.Get("Content-Encoding") == "zstd"); err != nil {
			return nil, err
		}
	}
	return &http.Response{StatusCode: status, Body: http.NoBody, Header: http.Header{}, Request: req}, nil
}

func (s *server) store(sent []byte, compressed bool) error {
	plain := sent
	if compressed {
		dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return err
		}
		defer dec.Close()
		if plain, err = dec.DecodeAll(sent, nil); err != nil {
			return err
		}
	}
	s.bodies.Write(sent)
	s.plain.Write(plain)
	var records []netlog.Message
	if err := json.Unmarshal(plain, &records); err != nil {
		return fmt.Errorf("a body that is no array of records: %w", err)
	}
	s.records = append(s.records, records...)
	return nil
}

func (s *server) received() []netlog.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records
}

func (s *server) config() logtail.Config {
	return logtail.Config{HTTPClient: &http.Client{Transport: s}}
}

// total is the sum over all entries of records.
func total(records []netlog.Message) (sum tunstats.Counts) {
	for _, m := range records {
		for _, class := range [][]record.ConnectionCounts{m.VirtualTraffic, m.SubnetTraffic, m.ExitTraffic} {
			for _, e := range class {
				sum = sum.Add(e.Counts)
			}
		}
	}
	return sum
}

var (
	local   = netip.MustParseAddrPort("100.64.0.1:4000")
	peer    = netip.MustParseAddrPort("100.64.0.2:22")
	host    = netip.MustParseAddrPort("192.168.7.9:80")
	outside = netip.MustParseAddrPort("8.8.8.8:53")

	toPeer    = flowtrack.Tuple{Proto: flowtrack.TCP, Src: local, Dst: peer}
	toHost    = flowtrack.Tuple{Proto: flowtrack.TCP, Src: local, Dst: host}
	toOutside = flowtrack.Tuple{Proto: flowtrack.UDP, Src: local, Dst: outside}

	one = tunstats.Counts{TxPackets: 1, TxBytes: 100}
)

// routes know the local address and the peer; with more, what is given besides.
func routes(more ...string) *netlog.RouteConfig {
	cfg := &netlog.RouteConfig{
		LocalAddrs: []netip.Prefix{netip.MustParsePrefix("100.64.0.1/32")},
		Routes:     []netip.Prefix{netip.MustParsePrefix("100.64.0.2/32")},
	}
	for _, r := range more {
		cfg.Routes = append(cfg.Routes, netip.MustParsePrefix(r))
	}
	return cfg
}

func startup(t *testing.T, l *netlog.Logger, d netlog.Device, cfg *netlog.RouteConfig) {
	t.Helper()
	qt.Assert(t, l.Startup(secrettest.NewID(), logtail.PrivateID{}, d, cfg), qt.IsNil)
}

func shutdown(t *testing.T, l *netlog.Logger) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	qt.Assert(t, l.Shutdown(ctx), qt.IsNil)
}

func TestPollPeriodDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		began := time.Now()
		startup(t, &l, dev, routes())

		time.Sleep(time.Second)
		dev.count(toPeer, one) // in the first window
		time.Sleep(10 * time.Second)
		dev.count(toPeer, one) // in the third; the second is idle
		time.Sleep(5 * time.Second)
		dev.count(toPeer, one) // in the last, which is not full
		shutdown(t, &l)

		records := srv.received()
		qt.Assert(t, records, qt.HasLen, 3)
		for i, want := range []struct{ start, end time.Duration }{
			{0, 5 * time.Second},
			{10*time.Second + 2, 15*time.Second + 2}, // a window begins a nanosecond after the last
			{15*time.Second + 3, 16*time.Second + 3},
		} {
			qt.Check(t, records[i].Start.Sub(began), qt.Equals, want.start, qt.Commentf("start of record %d", i))
			qt.Check(t, records[i].End.Sub(began), qt.Equals, want.end, qt.Commentf("end of record %d", i))
			qt.Check(t, total(records[i:i+1]), qt.Equals, one)
		}
		qt.Check(t, l.Stats().Windows, qt.Equals, uint64(4))
		qt.Check(t, l.Stats().Records, qt.Equals, uint64(3))
	})
}

func TestIdleLoggerSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		startup(t, &l, dev, routes())
		time.Sleep(time.Hour)
		shutdown(t, &l)
		qt.Check(t, srv.requests, qt.Equals, 0)
	})
}

func TestRoundsLeaveNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a goroutine left behind panics the bubble
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		for round := range 10 {
			startup(t, &l, dev, routes())
			qt.Check(t, l.Running(), qt.IsTrue)
			dev.count(toPeer, one)
			time.Sleep(time.Duration(round) * time.Second)
			shutdown(t, &l)
			qt.Check(t, l.Running(), qt.IsFalse)
			on, toggles, _ := dev.seen()
			qt.Check(t, on, qt.IsFalse)
			qt.Check(t, toggles, qt.Equals, 2*(round+1))
		}
		qt.Check(t, total(srv.received()), qt.Equals, tunstats.Counts{TxPackets: 10, TxBytes: 1000})
	})
}

func TestStartupDiscardsStaleCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		dev.stale(toPeer, one)
		startup(t, &l, dev, routes())
		shutdown(t, &l)
		qt.Check(t, srv.received(), qt.HasLen, 0)
	})
}

func TestStartupEnablesCounting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		for range 100 {
			startup(t, &l, dev, routes())
			dev.count(toPeer, one) // lost where counting is still off
			shutdown(t, &l)
		}
		qt.Check(t, total(srv.received()).TxPackets, qt.Equals, uint64(100))
	})
}

func TestStartupInvalidSettings(t *testing.T) {
	id := secrettest.NewID()
	for _, test := range []struct {
		name   string
		logger *netlog.Logger
		nilDev bool
		want   string // in the error
	}{
		{name: "a nil device", logger: &netlog.Logger{}, nilDev: true, want: "tun"},
		{name: "a base URL that does not parse", logger: &netlog.Logger{Upload: logtail.Config{BaseURL: "http://[::1"}}, want: "BaseURL"},
		{name: "a base URL with another scheme", logger: &netlog.Logger{Upload: logtail.Config{BaseURL: "ftp://127.0.0.1"}}, want: "BaseURL"},
		{name: "plain http to another host", logger: &netlog.Logger{Upload: logtail.Config{BaseURL: "http://logs.example"}}, want: "BaseURL"},
		{name: "a collection with a slash", logger: &netlog.Logger{Upload: logtail.Config{Collection: "a/b"}}, want: "Collection"},
		{name: "a negative period", logger: &netlog.Logger{PollPeriod: -1}, want: "PollPeriod"},
		{name: "a period without a unit", logger: &netlog.Logger{PollPeriod: 5}, want: "PollPeriod: 5ns"},
		{name: "records that go nowhere", logger: &netlog.Logger{NoUpload: true}, want: "OnRecord"},
		{name: "an unknown exit policy", logger: &netlog.Logger{Exit: 9}, want: "Exit"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dev := new(fakeDevice)
			var tun netlog.Device = dev
			if test.nilDev {
				tun = nil
			}
			err := test.logger.Startup(id, logtail.PrivateID{}, tun, nil)
			qt.Assert(t, err, qt.ErrorMatches, `netlog: .*`+test.want+`.*`)
			qt.Check(t, test.logger.Running(), qt.IsFalse)
			_, _, calls := dev.seen()
			qt.Check(t, calls, qt.Equals, 0, qt.Commentf("the device was touched"))
			qt.Check(t, test.logger.Shutdown(t.Context()), qt.IsNil)

			// The Logger is as before: with the setting mended it starts.
			*test.logger = netlog.Logger{Upload: new(server).config()}
			startup(t, test.logger, dev, nil)
			shutdown(t, test.logger)
		})
	}
}

func TestStartupErrRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := new(fakeDevice)
		l := netlog.Logger{Upload: new(server).config()}
		first := secrettest.NewID()
		qt.Assert(t, l.Startup(first, logtail.PrivateID{}, dev, nil), qt.IsNil)
		err := l.Startup(secrettest.NewID(), logtail.PrivateID{}, dev, nil)
		qt.Check(t, errors.Is(err, netlog.ErrRunning), qt.IsTrue)
		qt.Check(t, err, qt.ErrorMatches, ".*"+first.Public().String())
		shutdown(t, &l)
	})
}

func TestNoCollector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &server{answer: func(*http.Request) (int, error) { return 0, errors.New("connection refused") }}
		dev := new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		l.Upload.Buffer = logtail.NewMemoryBuffer(16 << 10)
		startup(t, &l, dev, routes())
		for range 720 { // an hour
			dev.count(toPeer, one)
			time.Sleep(5 * time.Second)
		}
		upload := l.Stats().Upload
		qt.Check(t, upload.BufferedBytes <= 16<<10, qt.IsTrue, qt.Commentf("%d bytes", upload.BufferedBytes))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err := l.Shutdown(ctx)
		qt.Check(t, time.Since(began), qt.Equals, time.Second)
		undelivered, ok := errors.AsType[*logtail.UndeliveredError](err)
		qt.Assert(t, ok, qt.IsTrue, qt.Commentf("%v", err))
		qt.Check(t, undelivered.Entries > 0, qt.IsTrue)
		qt.Check(t, undelivered.Kept, qt.IsTrue, qt.Commentf("the buffer is the caller's own"))
		qt.Check(t, errors.Is(err, context.DeadlineExceeded), qt.IsTrue)
		qt.Check(t, l.Shutdown(t.Context()), qt.Equals, err, qt.Commentf("a later Shutdown has the same result"))
	})
}

func TestClasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config(), NodeID: "n1"}
		startup(t, &l, dev, routes("192.168.7.0/24"))
		dev.count(toPeer, tunstats.Counts{TxPackets: 1, TxBytes: 10, RxPackets: 2, RxBytes: 20})
		dev.count(toHost, one)
		dev.count(toOutside, one)
		shutdown(t, &l)

		records := srv.received()
		qt.Assert(t, records, qt.HasLen, 1)
		m := records[0]
		qt.Check(t, m.NodeID, qt.Equals, "n1")
		qt.Assert(t, m.VirtualTraffic, qt.HasLen, 1)
		qt.Check(t, m.VirtualTraffic[0].Tuple, qt.Equals, toPeer)
		qt.Assert(t, m.SubnetTraffic, qt.HasLen, 1)
		qt.Check(t, m.SubnetTraffic[0].Tuple, qt.Equals, toHost)
		qt.Assert(t, m.ExitTraffic, qt.HasLen, 1)
		qt.Check(t, m.ExitTraffic[0].Tuple, qt.Equals, flowtrack.Tuple{}, qt.Commentf("totals by default"))
	})
}
