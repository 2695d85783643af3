package wgtun_test

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/tunstats"
	"github.com/go-netlog/netlog/wgtun"
)

// fakeConfig returns a scripted configuration in the way of a *device.Device.
type fakeConfig struct {
	mu    sync.Mutex
	text  string
	chunk int           // bytes per Write; zero means all at once
	hang  chan struct{} // if not nil, answers wait until it is closed
	asked int

	hidden bool // return no error of Write
}

func (f *fakeConfig) set(lines ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = strings.Join(lines, "\n") + "\n"
}

// count returns how often the configuration was read.
func (f *fakeConfig) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

func (f *fakeConfig) block() (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	hang := make(chan struct{})
	f.hang = hang
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.hang = nil
		close(hang)
	}
}

func (f *fakeConfig) IpcGetOperation(w io.Writer) error {
	f.mu.Lock()
	f.asked++
	hang := f.hang
	f.mu.Unlock()
	if hang != nil {
		<-hang
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	text := []byte(f.text)
	for len(text) > 0 {
		n := len(text)
		if f.chunk > 0 {
			n = min(n, f.chunk)
		}
		if _, err := w.Write(text[:n]); err != nil && !f.hidden {
			return err
		}
		text = text[n:]
	}
	return nil
}

// peerLines returns the configuration of a peer. The endpoint may be empty, if it is unknown.
func peerLines(key, endpoint string, tx, rx int, allowed ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "public_key=%s\npreshared_key=%s\nprotocol_version=1\n", key, secret)
	if endpoint != "" {
		fmt.Fprintf(&b, "endpoint=%s\n", endpoint)
	}
	fmt.Fprintf(&b, "last_handshake_time_sec=7\nlast_handshake_time_nsec=8\ntx_bytes=%d\nrx_bytes=%d\npersistent_keepalive_interval=25", tx, rx)
	for _, a := range allowed {
		fmt.Fprintf(&b, "\nallowed_ip=%s", a)
	}
	return b.String()
}

var (
	keyA   = strings.Repeat("aa", 32)
	keyB   = strings.Repeat("bb", 32)
	secret = strings.Repeat("5e", 32)
	header = "private_key=" + secret + "\nlisten_port=51820\nfwmark=3"
)

// flows formats the result of ExtractStatistics as text that is easy to compare.
func flows(m map[flowtrack.Tuple]tunstats.Counts) map[string]string {
	got := make(map[string]string)
	for t, c := range m {
		got[t.String()] = fmt.Sprintf("tx %d/%d rx %d/%d", c.TxPackets, c.TxBytes, c.RxPackets, c.RxBytes)
	}
	return got
}

func TestUnderlayCountsBetweenExtractions(t *testing.T) {
	type look = []string // the configuration's peers
	a := func(endpoint string, tx, rx int) string {
		return peerLines(keyA, endpoint, tx, rx, "10.0.0.9/32", "10.0.0.2/32", "192.168.0.0/16")
	}
	b := func(tx, rx int) string { return peerLines(keyB, "[2001:db8::7]:9", tx, rx, "0.0.0.0/0") }
	const flowA = "unknown 10.0.0.2:0 -> 192.0.2.1:1"
	const flowB = "unknown ? -> [2001:db8::7]:9"

	tests := []struct {
		name        string
		first, last look
		want        map[string]string
	}{
		{"earlier bytes do not count", look{a("192.0.2.1:1", 100, 50)}, look{a("192.0.2.1:1", 100, 50)}, nil},
		{"later bytes count, under the lowest single address", look{a("192.0.2.1:1", 100, 50)}, look{a("192.0.2.1:1", 130, 57)},
			map[string]string{flowA: "tx 0/30 rx 0/7"}},
		{"a roamed peer counts at its new endpoint", look{a("192.0.2.99:5", 1, 1)}, look{a("192.0.2.1:1", 3, 2)},
			map[string]string{flowA: "tx 0/2 rx 0/1"}},
		{"an added peer counts from zero", look{a("192.0.2.1:1", 1, 1)}, look{a("192.0.2.1:1", 1, 1), b(7, 8)},
			map[string]string{flowB: "tx 0/7 rx 0/8"}},
		{"a removed peer is gone", look{a("192.0.2.1:1", 1, 1), b(7, 8)}, look{a("192.0.2.1:1", 2, 1)},
			map[string]string{flowA: "tx 0/1 rx 0/0"}},
		{"a peer removed and added again counts from zero", look{a("192.0.2.1:1", 100, 5)}, look{a("192.0.2.1:1", 40, 6)},
			map[string]string{flowA: "tx 0/40 rx 0/6"}},
		{"a peer without a single address has no source", look{b(0, 0)}, look{b(1, 2)},
			map[string]string{flowB: "tx 0/1 rx 0/2"}},
		{"a peer without an endpoint has no destination", look{a("", 0, 0)}, look{a("", 5, 0)},
			map[string]string{"unknown 10.0.0.2:0 -> ?": "tx 0/5 rx 0/0"}},
		{"an endpoint without an IP address is omitted", look{a("relay:7", 0, 0)}, look{a("relay:7", 5, 0)},
			map[string]string{"unknown 10.0.0.2:0 -> ?": "tx 0/5 rx 0/0"}},
		{"an endpoint loses its zone", look{a("[fe80::1%eth0]:1", 0, 0)}, look{a("[fe80::1%eth0]:1", 5, 0)},
			map[string]string{"unknown 10.0.0.2:0 -> [fe80::1]:1": "tx 0/5 rx 0/0"}},
		{"a closed device has no peers", look{a("192.0.2.1:1", 100, 50)}, look{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // so that no device is busy, however slow the machine
				c := qt.New(t)
				dev := &fakeConfig{chunk: 7}
				u := wgtun.Underlay(dev)
				dev.set(append([]string{header}, tt.first...)...)
				u.SetStatisticsEnabled(true)
				dev.set(append([]string{header}, tt.last...)...)
				if tt.want == nil {
					tt.want = map[string]string{}
				}
				c.Check(flows(u.ExtractStatistics()), qt.DeepEquals, tt.want)
				c.Check(u.ExtractStatistics(), qt.HasLen, 0)
			})
		})
	}
}

func TestUnderlayCountsOnlyWhileEnabled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dev := &fakeConfig{}
		u := wgtun.Underlay(dev)
		moved := func(n int) { dev.set(header, peerLines(keyA, "192.0.2.1:1", n, 0, "10.0.0.2/32")) }
		const flow = "unknown 10.0.0.2:0 -> 192.0.2.1:1"

		moved(10)
		c.Check(u.ExtractStatistics(), qt.HasLen, 0)
		c.Check(dev.asked, qt.Equals, 0) // a disabled underlay does not query the device
		u.SetStatisticsEnabled(true)
		moved(15)
		u.SetStatisticsEnabled(true)
		u.SetStatisticsEnabled(false) // keeps the 5 bytes, and does not add the next 100
		moved(115)
		c.Check(flows(u.ExtractStatistics()), qt.DeepEquals, map[string]string{flow: "tx 0/5 rx 0/0"})
		c.Check(u.ExtractStatistics(), qt.HasLen, 0)

		u.SetStatisticsEnabled(true)
		moved(118)
		c.Check(flows(u.ExtractStatistics()), qt.DeepEquals, map[string]string{flow: "tx 0/3 rx 0/0"})
	})
}

func TestUnderlayBusyDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dev := &fakeConfig{}
		u := wgtun.Underlay(dev)
		moved := func(n int) { dev.set(header, peerLines(keyA, "192.0.2.1:1", n, 0, "10.0.0.2/32")) }
		const flow = "unknown 10.0.0.2:0 -> 192.0.2.1:1"
		moved(1)
		u.SetStatisticsEnabled(true)

		release := dev.block()
		begin := time.Now()
		c.Check(u.ExtractStatistics(), qt.HasLen, 0)
		c.Check(time.Since(begin), qt.Equals, wgtun.AskTimeout)
		u.SetStatisticsEnabled(false) // does not wait again, since the first query is still open
		u.SetStatisticsEnabled(true)
		c.Check(time.Since(begin), qt.Equals, wgtun.AskTimeout)

		// Counting was turned off and on in between, so the late answer is only a starting
		// point.
		moved(100)
		release()
		synctest.Wait()
		moved(103)
		c.Check(flows(u.ExtractStatistics()), qt.DeepEquals, map[string]string{flow: "tx 0/3 rx 0/0"})

		// While counting stays on, a late answer counts, and no bytes are lost.
		release = dev.block()
		c.Check(u.ExtractStatistics(), qt.HasLen, 0)
		moved(110)
		release()
		synctest.Wait()
		moved(111)
		c.Check(flows(u.ExtractStatistics()), qt.DeepEquals, map[string]string{flow: "tx 0/8 rx 0/0"})

		// A late answer does not count after counting was turned off.
		release = dev.block()
		c.Check(u.ExtractStatistics(), qt.HasLen, 0)
		u.SetStatisticsEnabled(false)
		moved(200)
		release()
		synctest.Wait()
		c.Check(u.ExtractStatistics(), qt.HasLen, 0)
	})
}

func TestRoutesAllowedIPs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dev := &fakeConfig{}
		dev.set(header,
			peerLines(keyA, "192.0.2.1:1", 0, 0, "10.0.0.3/32", "192.168.7.0/24"),
			peerLines(keyB, "", 0, 0, "fd00::2/128", "10.0.0.2/32", "0.0.0.0/0"))
		cfg, err := wgtun.Routes(dev, netip.MustParsePrefix("10.0.0.1/24"))
		c.Assert(err, qt.IsNil)
		c.Check(fmt.Sprint(cfg.LocalAddrs), qt.Equals, "[10.0.0.1/24]")
		c.Check(fmt.Sprint(cfg.Routes), qt.Equals, "[0.0.0.0/0 10.0.0.2/32 10.0.0.3/32 192.168.7.0/24 fd00::2/128]")
		c.Check(cfg.SubnetRoutes, qt.IsNil)
		c.Check(cfg.VirtualPrefixes, qt.IsNil)
	})
}

func TestRoutesBusyDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dev := &fakeConfig{}
		defer dev.block()()
		_, err := wgtun.Routes(dev)
		c.Check(err, qt.ErrorIs, wgtun.ErrBusy)
	})
}

// TestUnderlayLetsLoggerSleep checks that nothing is asked of the device while the tunnel is idle, and that the bytes
// of that time are in the next record.
func TestUnderlayLetsLoggerSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dev := &fakeConfig{}
		moved := func(n int) { dev.set(header, peerLines(keyA, "192.0.2.1:1", n, 0, "10.0.0.2/32")) }
		moved(0)
		var records []*netlog.Message
		tunDev := wgtun.Wrap(&fakeTun{batch: 1})
		l := netlog.Logger{NoUpload: true, Underlay: wgtun.Underlay(dev), OnRecord: func(m *netlog.Message) { records = append(records, m.Clone()) }}
		c.Assert(l.Startup(logtail.PrivateID{}, logtail.PrivateID{}, tunDev, nil), qt.IsNil)
		time.Sleep(time.Minute)
		synctest.Wait()
		asked := dev.asked
		moved(320) // keepalives
		time.Sleep(time.Hour)
		synctest.Wait()
		c.Check(dev.asked, qt.Equals, asked)
		c.Check(records, qt.HasLen, 0)

		tunDev.Write(at(4, udp4("10.0.0.2:1000", "10.0.0.1:2000", 100)), 4)
		time.Sleep(netlog.DefaultPollPeriod)
		synctest.Wait()
		c.Assert(records, qt.HasLen, 1)
		c.Check(records[0].End.Sub(records[0].Start), qt.Equals, netlog.DefaultPollPeriod)
		c.Check(records[0].ExitTraffic[0].RxPackets, qt.Equals, uint64(1))
		c.Check(records[0].PhysicalTraffic[0].TxBytes, qt.Equals, uint64(320))
		c.Check(l.Shutdown(t.Context()), qt.IsNil)
	})
}
