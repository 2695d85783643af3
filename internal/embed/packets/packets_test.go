package packets_test

import (
	"io"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/embed/packets"
	"github.com/go-netlog/netlog/tunstats"
)

// fakeTun is a tun whose results are set by a test.
type fakeTun struct {
	packet []byte // returned by Read
	err    error
	closed bool
}

func (f *fakeTun) Read(p []byte) (int, error)  { return copy(p, f.packet), f.err }
func (f *fakeTun) Write(p []byte) (int, error) { return len(p), f.err }
func (f *fakeTun) Close() error                { f.closed = true; return f.err }

func TestQueuesCountWithOneMeter(t *testing.T) {
	c := qt.New(t)
	out := []byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 2, 10, 0, 0, 3, 8, 0, 0, 0, 0, 0, 0, 0}
	in := []byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 3, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0}
	var meter tunstats.Meter
	meter.SetStatisticsEnabled(true)
	first, second := &fakeTun{packet: out}, &fakeTun{packet: out, err: io.ErrUnexpectedEOF}
	buf := make([]byte, 1500)
	for _, tun := range []*fakeTun{first, second} {
		q := packets.Queue{ReadWriteCloser: tun, Meter: &meter}
		n, err := q.Read(buf)
		c.Check(buf[:n], qt.DeepEquals, out)
		c.Check(err, qt.Equals, tun.err)
		n, err = q.Write(in)
		c.Check(n, qt.Equals, len(in))
		c.Check(err, qt.Equals, tun.err)
		tun.packet = nil
		n, err = q.Read(buf)
		c.Check(n, qt.Equals, 0)
		c.Check(err, qt.Equals, tun.err)
		c.Check(q.Close(), qt.Equals, tun.err)
		c.Check(tun.closed, qt.IsTrue)
	}
	flows := meter.ExtractStatistics()
	c.Assert(flows, qt.HasLen, 1)
	for flow, n := range flows {
		c.Check(flow.Proto, qt.Equals, flowtrack.ICMPv4)
		c.Check(n, qt.Equals, tunstats.Counts{TxPackets: 2, TxBytes: 56, RxPackets: 2, RxBytes: 56})
	}
}
