package tunstats_test

import (
	"bytes"
	"testing"

	qt "github.com/frankban/quicktest"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
	"github.com/go-netlog/netlog/tunstats/internal/slow"
)

const (
	FIN = tunstats.FIN
	SYN = tunstats.SYN
	RST = tunstats.RST
	ACK = tunstats.ACK
)

type flagCase struct {
	name string
	pkt  []byte
	want tunstats.TCPFlags
}

// flagCases returns the rules for TCP flags, one per row.
func flagCases() []flagCase {
	tcp4 := func(bits byte) []byte { return flagged(tcp(a4, b4, 1000, 2000), bits) }
	tcp6 := func(bits byte) []byte { return flagged(tcp(a6, b6, 1000, 2000), bits) }
	header := tcp4(0x12)[20:] // SYN and ACK
	edited := func(pkt []byte, edit func([]byte)) []byte { edit(pkt); return pkt }
	large := append(bytes.Clone(header), make([]byte, 65536)...)
	return []flagCase{
		{"SYN", tcp4(0x02), SYN},
		{"SYN and ACK", tcp4(0x12), SYN | ACK},
		{"IPv6 SYN", tcp6(0x02), SYN},
		{"IPv6 SYN and ACK", tcp6(0x12), SYN | ACK},
		{"ACK alone", tcp4(0x10), 0},
		{"PSH and ACK", tcp4(0x18), 0},
		{"FIN and ACK", tcp4(0x11), FIN},
		{"RST", tcp4(0x04), RST},
		{"RST and ACK", tcp4(0x14), RST},
		{"SYN with ECE and CWR", tcp4(0xc2), SYN},
		{"no bits", tcp4(0), 0},
		{"all bits", tcp4(0xff), FIN | SYN | RST | ACK},

		{"one port is 0", flagged(tcp(a4, b4, 0, 2000), 0x02), SYN},
		{"both ports are 0, as in folded flows", flagged(tcp(a4, b4, 0, 0), 0x02), 0},
		{"data offset of 0", edited(tcp4(0x02), set(32, 0)), SYN},
		{"IPv4 options", v4(6, append(make([]byte, 8), header...), set(0, 0x47)), SYN | ACK},
		{"IPv6 extension headers", v6(0, ext(60, 8, ext(6, 24, header))), SYN | ACK},
		{"IPv6 authentication header", v6(51, ah(6, 24, header)), SYN | ACK},
		{"UDP", v4(17, header), 0},
		{"SCTP", v6(132, header), 0},
		{"ICMP", v4(1, header), 0},

		{"IPv4 first fragment", v4(6, header, set(6, 0x20, 0)), SYN | ACK},
		{"IPv4 second fragment", v4(6, header, set(6, 0x20, 1)), 0},
		{"IPv4 last fragment", v4(6, header, set(6, 0, 185)), 0},
		{"IPv6 first fragment", v6(44, fragment(6, 0, true, header)), SYN | ACK},
		{"IPv6 atomic fragment", v6(44, fragment(6, 0, false, header)), SYN | ACK},
		{"IPv6 later fragment", v6(44, fragment(6, 8, true, header)), 0},

		{"IPv4 just inside the total length", v4(6, header, set(2, 0, 34)), SYN | ACK},
		{"IPv4 just outside the total length", v4(6, header, set(2, 0, 33)), 0},
		{"IPv6 just inside the total length", v6(6, header, set(4, 0, 14)), SYN | ACK},
		{"IPv6 just outside the total length", v6(6, header, set(4, 0, 13)), 0},
		{"IPv4 payload ends after the flags", v4(6, header[:14]), SYN | ACK},
		{"IPv4 payload ends before the flags", v4(6, header[:13]), 0},
		{"IPv4 truncated", v4(6, header)[:39], 0},
		{"IPv6 truncated", v6(6, header)[:59], 0},
		{"IPv4 total length 0 in a buffer too large for it", v4(6, large, set(2, 0, 0)), SYN | ACK},
		{"IPv6 payload length 0 in a buffer too large for it", v6(6, large, set(4, 0, 0)), SYN | ACK},
	}
}

func TestParseFlags(t *testing.T) {
	for _, tt := range flagCases() {
		t.Run(tt.name, func(t *testing.T) {
			var model slow.Counter
			model.Tx(tt.pkt)
			for flow, counts := range model.Counts {
				qt.Check(t, counts.TxFlags, qt.Equals, tt.want)
				checkParse(t, tt.pkt, flow, tt.want)
			}
		})
	}
}

func TestParseFlagsEveryByte(t *testing.T) {
	for bits := range 256 {
		pkt := flagged(tcp(a6, b6, 1000, 2000), byte(bits))
		_, want := slow.Parse(pkt, len(pkt))
		checkParse(t, pkt, flow6(flowtrack.TCP, 1000, 2000), want)
	}
}

func TestUpdateNFlags(t *testing.T) {
	pkt := append(flagged(tcp(a4, b4, 1000, 2000), 0x19), make([]byte, 1400)...) // the last of merged segments has FIN
	set(2, 1440>>8, 1440&0xff)(pkt)
	for _, tt := range []struct {
		name           string
		head           int
		packets, bytes int
		want           tunstats.TCPFlags
	}{
		{"merged segments", 64, 10, 10*40 + 1400, FIN},
		{"just inside the head", 34, 1, 1440, FIN},
		{"just outside the head", 33, 1, 1440, 0},
		{"truncated before it was captured", 64, 1, 1439, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s tunstats.Statistics
			s.UpdateTxN(pkt[:tt.head], tt.packets, tt.bytes)
			qt.Check(t, total(s.Extract()), qt.Equals, tunstats.Counts{TxPackets: uint64(tt.packets), TxBytes: uint64(tt.bytes)})
			s.UpdateTxN(pkt[:tt.head], tt.packets, tt.bytes)
			for _, counts := range s.Extract() {
				qt.Check(t, counts.TxFlags, qt.Equals, tt.want)
			}
		})
	}
}

// TestExtractUnitesFlags counts a connection in both directions and in several shards: a batch uses one shard for all of
// its packets, chosen by the source of the first.
func TestExtractUnitesFlags(t *testing.T) {
	c := qt.New(t)
	var s tunstats.Statistics
	out := func(bits byte) []byte { return flagged(tcp(a4, b4, 1000, 2000), bits) }
	in := func(bits byte) []byte { return flagged(tcp(b4, a4, 2000, 1000), bits) }
	s.UpdateTx(out(0x02))
	s.UpdateRx(in(0x12))
	s.UpdateTx(out(0x10))
	for i := range 100 {
		first := tcp(flow4(0, 0, 0).Src.Addr(), b4, 7, 7)
		first[15] = byte(i)
		reply := tcp(b4, a4, 7, 7)
		reply[15] = byte(i)
		s.UpdateTxBatch([][]byte{first, out(byte(i & 1))}, []int{40, 40}, 0)
		s.UpdateRxBatch([][]byte{reply, in(byte(i & 4))}, 0)
	}
	got := s.Extract()[flow4(flowtrack.TCP, 1000, 2000)]
	c.Check(got, qt.Equals, tunstats.Counts{
		TxPackets: 102, TxBytes: 102 * 40, TxFlags: SYN | FIN,
		RxPackets: 101, RxBytes: 101 * 40, RxFlags: SYN | ACK | RST,
	})
	s.UpdateTx(out(0x10))
	c.Check(s.Extract(), qt.DeepEquals, flowCounts{flow4(flowtrack.TCP, 1000, 2000): {TxPackets: 1, TxBytes: 40}})
}

func TestFoldedFlowsHaveNoFlags(t *testing.T) {
	c := qt.New(t)
	s := tunstats.Statistics{MaxFlows: 4}
	pkts := make([][]byte, 8)
	for i := range pkts {
		pkts[i] = flagged(tcp(a4, b4, 1000, uint16(i)), 0x02)
	}
	own := flagged(tcp(a4, b4, 0, 0), 0x01) // shares the Tuple of the folded flows
	for _, pkt := range append(pkts, own) {
		s.UpdateTx(pkt)
	}
	s.UpdateTx(flagged(tcp(a6, b6, 1, 1), 0x02)) // no room: counted under the zero Tuple
	s.UpdateTx([]byte{0x45})
	got := s.Extract()
	c.Check(got, qt.HasLen, 6)
	c.Check(got[flow4(flowtrack.TCP, 1000, 3)], qt.Equals, tunstats.Counts{TxPackets: 1, TxBytes: 40, TxFlags: SYN})
	c.Check(got[flow4(flowtrack.TCP, 0, 0)], qt.Equals, tunstats.Counts{TxPackets: 5, TxBytes: 200})
	c.Check(got[flowtrack.Tuple{}], qt.Equals, tunstats.Counts{TxPackets: 2, TxBytes: 61})
}

func TestTCPFlagsString(t *testing.T) {
	for _, tt := range []struct {
		flags tunstats.TCPFlags
		want  string
	}{
		{0, ""}, {FIN, "F"}, {SYN, "S"}, {RST, "R"}, {SYN | ACK, "SA"}, {FIN | SYN | RST | ACK, "FSRA"}, {0xff, "FSRA"}, {8, ""},
	} {
		qt.Check(t, tt.flags.String(), qt.Equals, tt.want)
	}
}
