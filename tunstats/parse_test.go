package tunstats_test

import (
	"bytes"
	"net/netip"
	"testing"

	qt "github.com/frankban/quicktest"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
	"github.com/go-netlog/netlog/tunstats/internal/slow"
)

type parseCase struct {
	name string
	pkt  []byte
	want flowtrack.Tuple
}

// parseCases returns the rules of the parser, one per row.
func parseCases() []parseCase {
	mapped := netip.MustParseAddr("::ffff:192.0.2.1")
	multi4, broad4 := netip.MustParseAddr("224.0.0.251"), netip.MustParseAddr("255.255.255.255")
	multi6 := netip.MustParseAddr("ff02::fb")
	udpTo := func(src, dst netip.Addr) []byte { return packetOf(src, dst, 17, ports()) }
	to := func(src, dst netip.Addr) flowtrack.Tuple {
		return flowtrack.Tuple{Proto: flowtrack.UDP, Src: netip.AddrPortFrom(src, 1000), Dst: netip.AddrPortFrom(dst, 2000)}
	}
	none := flowtrack.Tuple{}
	cut4, cut6 := flow4(0, 0, 0), flow6(0, 0, 0)
	large := func(n int) []byte { return append(ports(), make([]byte, n)...) }
	return []parseCase{
		{"one byte", []byte{0x45}, none},
		{"version 0", v4(17, ports(), set(0, 0x05)), none},
		{"version 5", v4(17, ports(), set(0, 0x55)), none},
		{"version 15", v6(17, ports(), set(0, 0xf5)), none},
		{"IPv4 header of 19 bytes", v4(17, nil)[:19], none},
		{"IPv6 header of 39 bytes", v6(17, nil)[:39], none},

		{"IPv4 TCP", tcp(a4, b4, 1000, 2000), flow4(flowtrack.TCP, 1000, 2000)},
		{"IPv4 UDP", v4(17, ports()), flow4(flowtrack.UDP, 1000, 2000)},
		{"IPv4 UDP-Lite", v4(136, ports()), flow4(flowtrack.UDPLite, 1000, 2000)},
		{"IPv4 SCTP", v4(132, ports()), flow4(flowtrack.SCTP, 1000, 2000)},
		{"IPv4 DCCP", v4(33, ports()), flow4(flowtrack.DCCP, 1000, 2000)},
		{"IPv6 TCP", tcp(a6, b6, 1000, 2000), flow6(flowtrack.TCP, 1000, 2000)},
		{"IPv6 UDP", v6(17, ports()), flow6(flowtrack.UDP, 1000, 2000)},
		{"IPv6 UDP-Lite", v6(136, ports()), flow6(flowtrack.UDPLite, 1000, 2000)},
		{"IPv6 SCTP", v6(132, ports()), flow6(flowtrack.SCTP, 1000, 2000)},
		{"IPv6 DCCP", v6(33, ports()), flow6(flowtrack.DCCP, 1000, 2000)},

		{"IPv4 longer than the buffer is truncated", v4(17, ports(), set(2, 0, 29)), cut4},
		{"IPv6 longer than the buffer is truncated", v6(17, ports(), set(4, 0, 9)), cut6},
		{"IPv4 header length below 5 words", v4(17, ports(), set(0, 0x44)), cut4},
		{"IPv4 header length past the total length", v4(17, ports(), set(0, 0x48)), cut4},
		{"IPv4 total length below the header", v4(17, ports(), set(2, 0, 19)), cut4},
		{"IPv4 total length 0 in a small buffer", v4(17, ports(), set(2, 0, 0)), cut4},
		{"IPv4 options", v4(17, append(make([]byte, 4), ports()...), set(0, 0x46)), flow4(flowtrack.UDP, 1000, 2000)},
		{"IPv4 with the most options", v4(6, append(make([]byte, 40), ports()...), set(0, 0x4f)), flow4(flowtrack.TCP, 1000, 2000)},

		{"IPv4 ports outside the total length", v4(17, ports(), set(2, 0, 20)), cut4},
		{"IPv4 ports half inside the total length", v4(17, ports(), set(2, 0, 23)), cut4},
		{"IPv4 ports just inside the total length", v4(6, ports(), set(2, 0, 24)), flow4(flowtrack.TCP, 1000, 2000)},
		{"IPv6 ports outside the total length", v6(17, ports(), set(4, 0, 0)), cut6},
		{"IPv6 ports half inside the total length", v6(17, ports(), set(4, 0, 3)), cut6},
		{"IPv6 ports just inside the total length", v6(6, ports(), set(4, 0, 4)), flow6(flowtrack.TCP, 1000, 2000)},

		{"IPv4 total length 0 in a buffer too large for it", v4(6, large(65536), set(2, 0, 0)), flow4(flowtrack.TCP, 1000, 2000)},
		{"IPv6 payload length 0 in a buffer too large for it", v6(6, large(65536), set(4, 0, 0)), flow6(flowtrack.TCP, 1000, 2000)},
		{"IPv6 jumbogram", v6(0, append([]byte{6, 0, 0xc2, 4, 0, 1, 0, 16}, large(65536)...), set(4, 0, 0)), flow6(flowtrack.TCP, 1000, 2000)},

		{"IPv4 first fragment has ports", v4(17, ports(), set(6, 0x20, 0)), flow4(flowtrack.UDP, 1000, 2000)},
		{"IPv4 first fragment without whole ports", v4(17, ports()[:3], set(6, 0x20, 0)), cut4},
		{"IPv4 later fragment keeps its protocol", v4(17, ports(), set(6, 0x20, 1)), flow4(flowtrack.UDP, 0, 0)},
		{"IPv4 last fragment keeps its protocol", v4(6, ports()[:1], set(6, 0x00, 0xb9)), flow4(flowtrack.TCP, 0, 0)},
		{"IPv4 do not fragment has ports", v4(17, ports(), set(6, 0x40, 0)), flow4(flowtrack.UDP, 1000, 2000)},
		{"IPv6 first fragment has ports", v6(44, fragment(17, 0, true, ports())), flow6(flowtrack.UDP, 1000, 2000)},
		{"IPv6 atomic fragment has ports", v6(44, fragment(17, 0, false, ports())), flow6(flowtrack.UDP, 1000, 2000)},
		{"IPv6 first fragment without whole ports", v6(44, fragment(17, 0, true, ports()[:3])), cut6},
		{"IPv6 later fragment keeps its protocol", v6(44, fragment(17, 8, true, ports())), flow6(flowtrack.UDP, 0, 0)},
		{"IPv6 last fragment keeps its protocol", v6(44, fragment(6, 1480, false, ports())), flow6(flowtrack.TCP, 0, 0)},
		{"IPv6 later fragment is not parsed", v6(44, fragment(60, 8, true, ext(17, 8, ports()))), flow6(60, 0, 0)},
		{"IPv6 fragment header cut short", v6(44, fragment(17, 0, false)[:7]), cut6},

		{"ICMP has no ports", v4(1, ports()), flow4(flowtrack.ICMPv4, 0, 0)},
		{"ICMPv6 has no ports", v6(58, ports()), flow6(flowtrack.ICMPv6, 0, 0)},
		{"IGMP has no ports", v4(2, ports()), flow4(flowtrack.IGMP, 0, 0)},
		{"GRE keeps its number", v4(47, ports()), flow4(flowtrack.GRE, 0, 0)},
		{"ESP keeps its number", v4(50, ports()), flow4(flowtrack.ESP, 0, 0)},
		{"IPv6 ESP keeps its number", v6(50, ports()), flow6(flowtrack.ESP, 0, 0)},
		{"IPv4 AH keeps its number", v4(51, ah(17, 12, ports())), flow4(flowtrack.AH, 0, 0)},
		{"6in4 keeps its number", v4(41, v6(17, ports())), flow4(flowtrack.IPv6, 0, 0)},
		{"4in6 keeps its number", v6(4, v4(17, ports())), flow6(flowtrack.IPv4, 0, 0)},
		{"OSPF keeps its number", v4(89, ports()), flow4(flowtrack.OSPF, 0, 0)},
		{"protocol 253 keeps its number", v4(253, nil), flow4(253, 0, 0)},
		{"IPv6 protocol 255 keeps its number", v6(255, nil), flow6(255, 0, 0)},
		{"extension numbers are protocols in IPv4", v4(60, ext(17, 8, ports())), flow4(60, 0, 0)},
		{"IPv6 no next header", v6(59, nil), flow6(59, 0, 0)},

		{"IPv6 hop-by-hop is skipped", v6(0, ext(17, 8, ports())), flow6(flowtrack.UDP, 1000, 2000)},
		{"IPv6 routing is skipped", v6(43, ext(17, 24, ports())), flow6(flowtrack.UDP, 1000, 2000)},
		{"IPv6 destination options are skipped", v6(60, ext(6, 16, ports())), flow6(flowtrack.TCP, 1000, 2000)},
		{"IPv6 AH is skipped in its own units", v6(51, ah(17, 24, ports())), flow6(flowtrack.UDP, 1000, 2000)},
		{"IPv6 chain of all kinds", v6(0, ext(60, 8, ext(43, 16, fragment(51, 0, true, ah(60, 12, ext(132, 8, ports())))))), flow6(flowtrack.SCTP, 1000, 2000)},
		{"IPv6 mobility is not skipped", v6(135, ext(17, 8, ports())), flow6(135, 0, 0)},
		{"IPv6 8 extension headers", v6(60, chain(8, 8)), flow6(flowtrack.UDP, 1000, 2000)},
		{"IPv6 9 extension headers are too many", v6(60, chain(9, 8)), cut6},
		{"IPv6 256 bytes of extension headers", v6(60, chain(4, 64)), flow6(flowtrack.UDP, 1000, 2000)},
		{"IPv6 264 bytes of extension headers are too many", v6(60, ext(60, 8, chain(4, 64))), cut6},
		{"IPv6 extension header past the end", v6(60, ext(17, 8, ports()), set(41, 2)), cut6},
		{"IPv6 extension header up to the end", v6(60, ext(17, 8, ports()), set(41, 1)), cut6},
		{"IPv6 extension header cut short", v6(60, ext(17, 8)[:5]), cut6},
		{"IPv6 chain to no next header", v6(60, ext(59, 8)), flow6(59, 0, 0)},

		{"IPv4-mapped addresses are IPv6 addresses", udpTo(mapped, b6), to(mapped, b6)},
		{"a packet to itself", udpTo(a4, a4), to(a4, a4)},
		{"IPv4 multicast", udpTo(a4, multi4), to(a4, multi4)},
		{"IPv6 multicast", udpTo(a6, multi6), to(a6, multi6)},
		{"broadcast", udpTo(a4, broad4), to(a4, broad4)},
		{"port 0", tcp(a4, b4, 0, 0), flow4(flowtrack.TCP, 0, 0)},
		{"unspecified addresses are addresses", udpTo(netip.IPv4Unspecified(), netip.IPv4Unspecified()), to(netip.IPv4Unspecified(), netip.IPv4Unspecified())},
	}
}

func TestParse(t *testing.T) {
	for _, tt := range parseCases() {
		t.Run(tt.name, func(t *testing.T) {
			model, _ := slow.Parse(tt.pkt, len(tt.pkt))
			qt.Check(t, model, qt.Equals, tt.want)
			checkParse(t, tt.pkt, tt.want, 0)
		})
	}
}

// checkParse checks that pkt is counted under want with flags, in both directions.
func checkParse(t testing.TB, pkt []byte, want flowtrack.Tuple, flags tunstats.TCPFlags) {
	t.Helper()
	n := uint64(len(pkt))
	var s tunstats.Statistics
	s.UpdateTx(pkt)
	checkOnly(t, s.Extract(), want, tunstats.Counts{TxPackets: 1, TxBytes: n, TxFlags: flags})
	s.UpdateRx(pkt)
	checkOnly(t, s.Extract(), reverse(want), tunstats.Counts{RxPackets: 1, RxBytes: n, RxFlags: flags})
}

// checkOnly checks that got holds only k, with want. It does not use quicktest, because fuzzing calls
// it thousands of times a second.
func checkOnly(t testing.TB, got flowCounts, k flowtrack.Tuple, want tunstats.Counts) {
	t.Helper()
	if len(got) != 1 || got[k] != want {
		t.Errorf("counted %v, want %v under %v", got, want, k)
	}
}

func reverse(t flowtrack.Tuple) flowtrack.Tuple {
	t.Src, t.Dst = t.Dst, t.Src
	return t
}

func TestParseTrailingBytes(t *testing.T) {
	for _, tt := range parseCases() {
		if stated, ok := slow.StatedLen(tt.pkt); !ok || stated > len(tt.pkt) {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			checkParse(t, append(bytes.Clone(tt.pkt), bytes.Repeat([]byte{0x2c, 0xff}, 200)...), tt.want, 0)
		})
	}
}

func TestParseKeepsNoState(t *testing.T) {
	c := qt.New(t)
	for _, before := range parseCases() {
		for _, tt := range parseCases() {
			if len(before.pkt)+len(tt.pkt) > 4096 {
				continue // large packets would make this slow, and their size leaves no state
			}
			var s tunstats.Statistics
			s.UpdateTxBatch([][]byte{before.pkt, tt.pkt}, []int{len(before.pkt), len(tt.pkt)}, 0)
			got := s.Extract()
			want := map[flowtrack.Tuple]tunstats.Counts{before.want: {TxPackets: 1, TxBytes: uint64(len(before.pkt))}}
			want[tt.want] = want[tt.want].Add(tunstats.Counts{TxPackets: 1, TxBytes: uint64(len(tt.pkt))})
			c.Assert(got, qt.DeepEquals, want, qt.Commentf("%s after %s", tt.name, before.name))
		}
	}
}
