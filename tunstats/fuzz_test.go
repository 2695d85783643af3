package tunstats_test

import (
	"bytes"
	"testing"

	qt "github.com/frankban/quicktest"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
	"github.com/go-netlog/netlog/tunstats/internal/slow"
)

// addPackets calls add with every prefix of the packets of the table, and with packets that have
// TCP flags.
func addPackets(f *testing.F, add func(pkt []byte)) {
	for _, tt := range flagCases() {
		add(tt.pkt)
	}
	for _, tt := range parseCases() {
		if len(tt.pkt) > 1024 {
			continue // mutating 64 KiB is too slow
		}
		for n := range tt.pkt {
			add(tt.pkt[:n+1])
		}
	}
}

// FuzzParse compares the parser with slow.Parse, in both directions.
func FuzzParse(f *testing.F) {
	addPackets(f, func(pkt []byte) { f.Add(pkt) })
	f.Fuzz(func(t *testing.T, pkt []byte) {
		if len(pkt) > 0 {
			checkModel(t, pkt, pkt)
		}
	})
}

// FuzzUpdateN is like FuzzParse, for the beginning of packets of any number and size.
func FuzzUpdateN(f *testing.F) {
	for _, tt := range parseCases() {
		f.Add(tt.pkt[:min(len(tt.pkt), 128)], 1, len(tt.pkt))
		f.Add(tt.pkt[:min(len(tt.pkt), 128)], 45, 1<<16)
	}
	for _, tt := range flagCases() {
		f.Add(tt.pkt, 3, 3*len(tt.pkt))
	}
	f.Fuzz(func(t *testing.T, head []byte, packets, bytes int) {
		var want slow.Counter
		var s tunstats.Statistics
		s.UpdateTxN(head, packets, bytes)
		want.TxN(head, packets, bytes)
		s.UpdateRxN(head, packets, bytes)
		want.RxN(head, packets, bytes)
		got := s.Extract()
		qt.Check(t, len(got), qt.Equals, len(want.Counts))
		for k, v := range want.Counts {
			qt.Check(t, got[k], qt.Equals, v)
		}
	})
}

// FuzzTrailing checks that bytes after the total length change only the byte count.
func FuzzTrailing(f *testing.F) {
	addPackets(f, func(pkt []byte) { f.Add(pkt, []byte{0x2c, 0xff, 0, 1}) })
	f.Fuzz(func(t *testing.T, pkt, trailing []byte) {
		if stated, ok := slow.StatedLen(pkt); !ok || stated > len(pkt) {
			return // the packet ends with the buffer
		}
		checkModel(t, append(bytes.Clone(pkt), trailing...), pkt)
	})
}

// checkModel checks that pkt is counted as slow.Counter counts like.
func checkModel(t *testing.T, pkt, like []byte) {
	t.Helper()
	var c slow.Counter
	c.Tx(like)
	for want, counts := range c.Counts {
		checkParse(t, pkt, want, counts.TxFlags)
	}
}

// FuzzAfterAnother checks that a packet counts the same whatever was counted before it.
func FuzzAfterAnother(f *testing.F) {
	var before []byte
	addPackets(f, func(pkt []byte) {
		f.Add(before, pkt)
		before = pkt
	})
	f.Fuzz(func(t *testing.T, before, pkt []byte) {
		want := make(map[flowtrack.Tuple]tunstats.Counts)
		var s tunstats.Statistics
		for _, p := range [][]byte{before, pkt} {
			s.UpdateRx(p)
			if len(p) == 0 {
				continue
			}
			var alone tunstats.Statistics
			alone.UpdateRx(p)
			for k, v := range alone.Extract() {
				want[k] = want[k].Add(v)
			}
		}
		got := s.Extract()
		qt.Check(t, len(got), qt.Equals, len(want))
		for k, v := range want {
			qt.Check(t, got[k], qt.Equals, v)
		}
	})
}

// FuzzBatch checks that a batch of any shape counts the same as single packets.
func FuzzBatch(f *testing.F) {
	f.Add(v4(17, ports()), v6(6, ports()), 28, 0, 0)
	f.Add(v4(17, ports()), []byte{}, -1, 99, 4)
	f.Add([]byte{}, []byte{}, 0, 0, -1)
	f.Fuzz(func(t *testing.T, p, q []byte, n, m, offset int) {
		var want slow.Counter
		packet := func(buf []byte, size int) []byte {
			if offset < 0 || offset > len(buf) {
				return nil
			}
			return buf[offset:][:max(0, min(size, len(buf)-offset))]
		}
		var s tunstats.Statistics
		bufs := [][]byte{p, nil, q}
		s.UpdateTxBatch(bufs, []int{n, 1, m}, offset)
		s.UpdateRxBatch(bufs, offset)
		for i, pkt := range bufs {
			want.Tx(packet(pkt, []int{n, 1, m}[i]))
			want.Rx(packet(pkt, len(pkt)))
		}
		got := s.Extract()
		qt.Check(t, len(got), qt.Equals, len(want.Counts))
		for k, v := range want.Counts {
			qt.Check(t, got[k], qt.Equals, v)
		}
	})
}
