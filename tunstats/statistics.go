package tunstats

import (
	"sync/atomic"

	"github.com/go-netlog/netlog/flowtrack"
)

// DefaultMaxFlows is the default of Statistics.MaxFlows. Its flows take about 2 MiB of JSON.
const DefaultMaxFlows = 16384

// Statistics counts packets and bytes by flow.
//
// The zero value is ready to use, and small until its first packet. All methods are safe for
// concurrent use. A Statistics must not be copied after its first use.
type Statistics struct {
	// MaxFlows is the number of flows that are counted separately until the next Extract.
	// Zero or less means [DefaultMaxFlows]. It must not change after the first packet.
	//
	// The packets of further flows are counted by protocol and addresses, with ports 0 and
	// without TCP flags. When the number of such entries reaches a quarter of MaxFlows, the
	// rest is counted under the zero Tuple. Flows that have an entry keep exact counts, and
	// the sums are always exact.
	//
	// Until the next Extract, a flow takes some 75 bytes, and 75 more for each internal table
	// that counts its packets. There is usually one table per direction, and at most eight in
	// all. With the default, a port scan takes 3 to 5 MiB.
	MaxFlows int

	counter atomic.Pointer[counter]
}

// Stats describes the counters of a [Statistics] or a [Meter].
type Stats struct {
	// Flows is the number of entries that an extraction would return.
	Flows int

	// FoldedPackets is the number of packets that were counted under a wider Tuple than
	// their own, because there was no room for another flow. The number of their flows is
	// not known, since counting flows takes the memory that folding saves. Extractions do
	// not reset FoldedPackets.
	FoldedPackets uint64

	// UndecodablePackets is the number of packets without a valid IP header, which are
	// counted under the zero Tuple. Extractions do not reset it.
	UndecodablePackets uint64
}

// UpdateTx counts a packet that the local side sends. pkt must begin with the IP header, without
// the 4 bytes that a tun adds on macOS, or on Linux without IFF_NO_PI; otherwise the packet is
// undecodable. UpdateTx counts len(pkt) bytes. It ignores an empty pkt, and does not keep pkt.
func (s *Statistics) UpdateTx(pkt []byte) { s.update(tx, pkt, 1, len(pkt)) }

// UpdateRx counts a packet that the local side receives. It is like UpdateTx, but swaps source
// and destination, so that both directions of a flow have the same Tuple.
func (s *Statistics) UpdateRx(pkt []byte) { s.update(rx, pkt, 1, len(pkt)) }

// UpdateTxN counts packets of one flow that the local side sends, if the caller does not have the
// complete packets: if one packet was captured only in part, or if offload merged several into one.
// bytes is the sum of their sizes on the wire, each with its headers. UpdateTx(pkt) is
// UpdateTxN(pkt, 1, len(pkt)).
//
// head is the beginning of the packet, or of the merged one, from the IP header on. The length of
// the packet is read from that header, so len(head) may be smaller. If head does not include the
// ports, the packet counts like a truncated one, under its addresses only. 128 bytes include the
// ports and flags of all common packets.
//
// UpdateTxN does nothing if packets or bytes is below 1, and does not keep head.
func (s *Statistics) UpdateTxN(head []byte, packets, bytes int) { s.update(tx, head, packets, bytes) }

// UpdateRxN counts packets of one flow that the local side receives. It is to UpdateTxN what
// UpdateRx is to UpdateTx.
func (s *Statistics) UpdateRxN(head []byte, packets, bytes int) { s.update(rx, head, packets, bytes) }

func (s *Statistics) update(d direction, head []byte, packets, bytes int) {
	if packets > 0 && bytes > 0 {
		s.load().count(d, nil, head, packets, bytes).mu.Unlock()
	}
}

// UpdateTxBatch counts the packets bufs[i][offset:offset+sizes[i]] that the local side sends.
// The arguments are those of Read of a wireguard-go tun.Device, with sizes cut to the number of
// packets that Read returned. Sizes below 1 are skipped.
func (s *Statistics) UpdateTxBatch(bufs [][]byte, sizes []int, offset int) {
	c := s.load()
	var sh *shard
	for i, n := range sizes[:min(len(sizes), len(bufs))] {
		b := from(bufs[i], offset)
		if n = min(n, len(b)); n > 0 {
			sh = c.count(tx, sh, b[:n], 1, n)
		}
	}
	if sh != nil {
		sh.mu.Unlock()
	}
}

// UpdateRxBatch counts the packets bufs[i][offset:] that the local side receives. The arguments
// are those of Write of a wireguard-go tun.Device. Empty packets are skipped.
func (s *Statistics) UpdateRxBatch(bufs [][]byte, offset int) {
	c := s.load()
	var sh *shard
	for _, b := range bufs {
		if b = from(b, offset); len(b) > 0 {
			sh = c.count(rx, sh, b, 1, len(b))
		}
	}
	if sh != nil {
		sh.mu.Unlock()
	}
}

// from returns b[offset:], or nil if offset is out of range.
func from(b []byte, offset int) []byte {
	if offset < 0 || offset > len(b) {
		return nil
	}
	return b[offset:]
}

// Extract returns the counters since the last Extract and resets them. Every packet is in exactly
// one extraction. The caller owns the map, which is nil if nothing was counted. Source and
// destination are those of sent packets.
func (s *Statistics) Extract() map[flowtrack.Tuple]Counts {
	c := s.counter.Load()
	if c == nil {
		return nil
	}
	return c.extract()
}

// Stats returns the current Stats.
func (s *Statistics) Stats() Stats {
	c := s.counter.Load()
	if c == nil {
		return Stats{}
	}
	return c.stats()
}

// load returns the counter. It creates it if necessary.
func (s *Statistics) load() *counter {
	if c := s.counter.Load(); c != nil {
		return c
	}
	return s.create()
}

func (s *Statistics) create() *counter {
	s.counter.CompareAndSwap(nil, newCounter(s.MaxFlows))
	return s.counter.Load()
}
