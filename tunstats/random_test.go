package tunstats_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/go-netlog/netlog/internal/racetest"
	"github.com/go-netlog/netlog/tunstats"
	"github.com/go-netlog/netlog/tunstats/internal/slow"
)

// TestUpdateNModel compares the counters of random packets with those of a slow.Counter, packet by
// packet: many packets of a flow would hide a wrong flag among the right ones.
func TestUpdateNModel(t *testing.T) {
	n := 150_000
	if racetest.Enabled || testing.Short() {
		n = 20_000
	}
	r := rand.New(rand.NewPCG(5, 6))
	var flagged, portless int
	for range n {
		pkt := randomPacket(r)
		packets, bytes, head := 1, len(pkt), pkt
		if r.IntN(2) == 0 {
			packets, bytes = 1+r.IntN(45), len(pkt)+r.IntN(2)*r.IntN(1<<17)
			head = pkt[:r.IntN(len(pkt)+1)]
		}
		var s tunstats.Statistics
		var want slow.Counter
		if r.IntN(2) == 0 {
			s.UpdateTxN(head, packets, bytes)
			want.TxN(head, packets, bytes)
		} else {
			s.UpdateRxN(head, packets, bytes)
			want.RxN(head, packets, bytes)
		}
		got := s.Extract()
		for flow, counts := range want.Counts {
			if len(got) != 1 || got[flow] != counts {
				t.Fatalf("%d packets, %d bytes, % x:\ncounted %v, want %v under %v", packets, bytes, head, got, counts, flow)
			}
			if counts.TxFlags|counts.RxFlags != 0 {
				flagged++
			}
			if flow.Src.Port()|flow.Dst.Port() == 0 {
				portless++
			}
		}
	}
	t.Logf("%d packets, %d with flags, %d without ports", n, flagged, portless)
}

// randomPacket returns a packet, mostly of TCP, with random options, extension headers, fragments
// and flags. Some packets are damaged or truncated.
func randomPacket(r *rand.Rand) []byte {
	payload := make([]byte, 20+r.IntN(2)*r.IntN(20))
	binary.BigEndian.PutUint32(payload, r.Uint32()>>(16*max(0, r.IntN(10)-7))) // some ports are 0
	payload[13] = byte(r.Uint32())
	if r.IntN(8) == 0 {
		payload = payload[:r.IntN(20)]
	}
	proto := []uint8{6, 6, 6, 17, 132, 1}[r.IntN(6)]
	var pkt []byte
	length := 2 // offset of the length field
	if r.IntN(2) == 0 {
		words := 5 + r.IntN(2)*r.IntN(11)
		pkt = v4(proto, append(make([]byte, 4*(words-5)), payload...), set(0, byte(0x40|words)))
		if r.IntN(8) == 0 {
			binary.BigEndian.PutUint16(pkt[6:], uint16(r.Uint32())&0xe003)
		}
	} else {
		for range r.IntN(2) * r.IntN(2) * r.IntN(10) {
			payload, proto = randomExtension(r, proto, payload)
		}
		pkt = v6(proto, payload)
		length = 4
	}
	if r.IntN(4) == 0 { // the packet ends elsewhere than the buffer, or its length is not known
		n := int(binary.BigEndian.Uint16(pkt[length:])) + 10 - r.IntN(40)
		binary.BigEndian.PutUint16(pkt[length:], uint16(max(0, n)*min(1, r.IntN(8))))
	}
	for range r.IntN(2) * r.IntN(3) {
		pkt[r.IntN(len(pkt))] = byte(r.Uint32())
	}
	if r.IntN(16) == 0 {
		pkt = pkt[:1+r.IntN(len(pkt))]
	}
	return pkt
}

// randomExtension returns an extension header followed by rest of type next, and its own type.
func randomExtension(r *rand.Rand, next uint8, rest []byte) (b []byte, proto uint8) {
	switch proto = []uint8{0, 43, 44, 51, 60}[r.IntN(5)]; proto {
	case 44:
		return fragment(next, uint16(r.IntN(2)*8), r.IntN(2) == 0, rest), proto
	case 51:
		return ah(next, 12+4*r.IntN(8), rest), proto
	}
	return ext(next, 8+8*r.IntN(5), rest), proto
}
