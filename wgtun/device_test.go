package wgtun_test

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"sync"
	"testing"

	qt "github.com/frankban/quicktest"
	"golang.zx2c4.com/wireguard/tun"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/racetest"
	"github.com/go-netlog/netlog/tunstats"
	"github.com/go-netlog/netlog/wgtun"
)

var (
	_ tun.Device    = (*wgtun.Device)(nil)
	_ netlog.Device = (*wgtun.Device)(nil)
)

// fakeTun is a tun.Device whose results are set by a test.
type fakeTun struct {
	batch   int
	packets [][]byte // returned by each Read, with err
	err     error
	onWrite func(bufs [][]byte, offset int) (int, error)
	events  chan tun.Event
	file    *os.File
	closed  int
}

func (f *fakeTun) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	for i, p := range f.packets {
		sizes[i] = copy(bufs[i][offset:], p)
	}
	return len(f.packets), f.err
}

func (f *fakeTun) Write(bufs [][]byte, offset int) (int, error) {
	if f.onWrite == nil {
		return len(bufs), f.err
	}
	return f.onWrite(bufs, offset)
}

func (f *fakeTun) File() *os.File           { return f.file }
func (f *fakeTun) MTU() (int, error)        { return 1234, f.err }
func (f *fakeTun) Name() (string, error)    { return "fake7", f.err }
func (f *fakeTun) Events() <-chan tun.Event { return f.events }
func (f *fakeTun) Close() error             { f.closed++; return f.err }
func (f *fakeTun) BatchSize() int           { return f.batch }

// udp4 returns an IPv4 UDP packet of size bytes.
func udp4(src, dst string, size int) []byte {
	s, d := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	p := make([]byte, size)
	p[0], p[9] = 0x45, byte(flowtrack.UDP)
	binary.BigEndian.PutUint16(p[2:], uint16(size))
	copy(p[12:], s.Addr().AsSlice())
	copy(p[16:], d.Addr().AsSlice())
	binary.BigEndian.PutUint16(p[20:], s.Port())
	binary.BigEndian.PutUint16(p[22:], d.Port())
	return p
}

// batchOf returns buffers for n packets and the slice for their sizes.
func batchOf(n int) (bufs [][]byte, sizes []int) {
	for range n {
		bufs = append(bufs, make([]byte, 2048))
	}
	return bufs, make([]int, n)
}

// at returns buffers for Write that hold the packets after offset bytes.
func at(offset int, packets ...[]byte) [][]byte {
	var bufs [][]byte
	for _, p := range packets {
		bufs = append(bufs, append(make([]byte, offset), p...))
	}
	return bufs
}

const flow = "UDP 10.0.0.1:1000 -> 10.0.0.2:2000"

func TestReadCounts(t *testing.T) {
	out := udp4("10.0.0.1:1000", "10.0.0.2:2000", 100)
	tests := []struct {
		name    string
		packets [][]byte
		err     error
		want    map[string]string
	}{
		{"one packet", [][]byte{out}, nil, map[string]string{flow: "tx 1/100 rx 0/0"}},
		{"a batch", [][]byte{out, out, out}, nil, map[string]string{flow: "tx 3/300 rx 0/0"}},
		{"packets with an error", [][]byte{out, out}, tun.ErrTooManySegments, map[string]string{flow: "tx 2/200 rx 0/0"}},
		{"error without packets", nil, os.ErrClosed, map[string]string{}},
		{"no packets", nil, nil, map[string]string{}},
		{"empty packet", [][]byte{out, {}}, nil, map[string]string{flow: "tx 1/100 rx 0/0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := qt.New(t)
			d := wgtun.Wrap(&fakeTun{batch: 128, packets: tt.packets, err: tt.err})
			d.SetStatisticsEnabled(true)
			bufs, sizes := batchOf(128)
			for i := range sizes {
				sizes[i] = 60 // left by an earlier, larger batch
			}
			n, err := d.Read(bufs, sizes, 16)
			c.Check(n, qt.Equals, len(tt.packets))
			c.Check(err, qt.Equals, tt.err)
			c.Check(flows(d.ExtractStatistics()), qt.DeepEquals, tt.want)
		})
	}
}

func TestWriteCountsBeforeInnerWrite(t *testing.T) {
	c := qt.New(t)
	refused := errors.New("refused")
	inner := &fakeTun{batch: 128}
	d := wgtun.Wrap(inner)
	d.SetStatisticsEnabled(true)
	bufs := at(16, udp4("10.0.0.2:2000", "10.0.0.1:1000", 100), udp4("10.0.0.2:2000", "10.0.0.1:1000", 60))
	inner.onWrite = func(got [][]byte, offset int) (int, error) {
		c.Check(&got[0], qt.Equals, &bufs[0]) // the same slice, not a copy
		c.Check(offset, qt.Equals, 16)
		got[0] = append(got[0], got[1][offset+28:]...) // as GRO does
		clear(got[1])
		return 73, refused // bytes or packets, depending on the platform
	}
	n, err := d.Write(bufs, 16)
	c.Check(n, qt.Equals, 73)
	c.Check(err, qt.Equals, refused)
	c.Check(flows(d.ExtractStatistics()), qt.DeepEquals, map[string]string{flow: "tx 0/0 rx 2/160"})
}

func TestDeviceDisabled(t *testing.T) {
	c := qt.New(t)
	out := udp4("10.0.0.1:1000", "10.0.0.2:2000", 100)
	d := wgtun.Wrap(&fakeTun{batch: 1, packets: [][]byte{out}})
	move := func() {
		bufs, sizes := batchOf(1)
		d.Read(bufs, sizes, 4)
		d.Write(at(4, out), 4)
	}
	move()
	d.SetStatisticsEnabled(true)
	move()
	d.SetStatisticsEnabled(false)
	move()
	c.Check(flows(d.ExtractStatistics()), qt.DeepEquals, map[string]string{
		flow:                                 "tx 1/100 rx 0/0",
		"UDP 10.0.0.2:2000 -> 10.0.0.1:1000": "tx 0/0 rx 1/100",
	})
}

func TestDeviceStats(t *testing.T) {
	d := wgtun.Wrap(&fakeTun{batch: 1})
	d.SetStatisticsEnabled(true)
	d.Write(at(4, udp4("10.0.0.2:2000", "10.0.0.1:1000", 100), []byte("no IP")), 4)
	qt.Check(t, d.Stats(), qt.Equals, tunstats.Stats{Flows: 2, UndecodablePackets: 1})
	d.ExtractStatistics()
	qt.Check(t, d.Stats(), qt.Equals, tunstats.Stats{UndecodablePackets: 1})
}

func TestDeviceNotifyActivity(t *testing.T) {
	c := qt.New(t)
	out := udp4("10.0.0.1:1000", "10.0.0.2:2000", 100)
	d := wgtun.Wrap(&fakeTun{batch: 1, packets: [][]byte{out}})
	d.SetStatisticsEnabled(true)
	calls := 0
	d.NotifyActivity(func() { calls++ })
	for round := range 3 {
		for range 2 {
			bufs, sizes := batchOf(1)
			d.Read(bufs, sizes, 4)
			d.Write(at(4, out), 4)
		}
		c.Check(calls, qt.Equals, round+1)
		c.Check(d.ExtractStatistics(), qt.HasLen, 2)
		c.Check(d.ExtractStatistics(), qt.HasLen, 0)
	}
}

func TestDevicePassesThrough(t *testing.T) {
	c := qt.New(t)
	failed := errors.New("failed")
	for _, batch := range []int{1, 128} {
		inner := &fakeTun{batch: batch, err: failed, events: make(chan tun.Event, 1), file: os.Stdin}
		d := wgtun.Wrap(inner)
		mtu, err := d.MTU()
		c.Check(mtu, qt.Equals, 1234)
		c.Check(err, qt.Equals, failed)
		name, err := d.Name()
		c.Check(name, qt.Equals, "fake7")
		c.Check(err, qt.Equals, failed)
		c.Check(d.BatchSize(), qt.Equals, batch)
		c.Check(d.File(), qt.Equals, os.Stdin)
		c.Check(d.Events(), qt.Equals, (<-chan tun.Event)(inner.events))
		c.Check(d.Close(), qt.Equals, failed)
		c.Check(inner.closed, qt.Equals, 1)
		c.Check(d.Unwrap(), qt.Equals, tun.Device(inner))
	}
}

// TestWriteConcurrent writes from many goroutines while another reads, as wireguard-go does.
func TestWriteConcurrent(t *testing.T) {
	const writers, rounds, batch = 64, 200, 8
	c := qt.New(t)
	out := udp4("10.0.0.1:1000", "10.0.0.2:2000", 100)
	d := wgtun.Wrap(&fakeTun{batch: batch, packets: [][]byte{out}})
	d.SetStatisticsEnabled(true)

	var wg, extractor sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			peer := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(w)}), 2000).String()
			in := make([][]byte, batch)
			for i := range in {
				in[i] = udp4(peer, "10.0.0.1:1000", 50)
			}
			for range rounds {
				d.Write(in, 0)
			}
		})
	}
	wg.Go(func() {
		bufs, sizes := batchOf(batch)
		for range rounds {
			d.Read(bufs, sizes, 0)
		}
	})
	var sum tunstats.Counts
	add := func() {
		for _, n := range d.ExtractStatistics() {
			sum = sum.Add(n)
		}
	}
	done := make(chan struct{})
	extractor.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				add()
			}
		}
	})
	wg.Wait()
	close(done)
	extractor.Wait()
	add()
	c.Check(sum, qt.Equals, tunstats.Counts{
		TxPackets: rounds, TxBytes: 100 * rounds,
		RxPackets: writers * rounds * batch, RxBytes: 50 * writers * rounds * batch,
	})
}

func TestReadWriteAllocs(t *testing.T) {
	racetest.Skip(t) // it allocates
	for _, enabled := range []bool{false, true} {
		for _, batch := range []int{1, 128} {
			packets := make([][]byte, batch)
			for i := range packets {
				packets[i] = udp4("10.0.0.1:1000", "10.0.0.2:2000", 100)
			}
			d := wgtun.Wrap(&fakeTun{batch: batch, packets: packets})
			d.SetStatisticsEnabled(enabled)
			bufs, sizes := batchOf(batch)
			in := at(16, packets...)
			got := testing.AllocsPerRun(100, func() {
				d.Read(bufs, sizes, 16)
				d.Write(in, 16)
			})
			qt.Check(t, got, qt.Equals, 0.0, qt.Commentf("batch %d, enabled %v", batch, enabled))
		}
	}
}
