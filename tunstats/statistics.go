package tunstats

import (
	"sync/atomic"

	"github.com/go-netlog/netlog/flowtrack"
)

// DefaultMaxFlows is the number of flows that one extraction keeps apart where
// MaxFlows is zero: about 2 MiB of JSON.
const DefaultMaxFlows = 16384

// Statistics counts packets and bytes by flow.
//
// The zero value counts, and is small until its first packet. All methods may
// be called from several goroutines at once. A Statistics must not be copied
// after its first use.
type Statistics struct {
	// MaxFlows is the number of flows that one extraction keeps apart; zero or
	// less means [DefaultMaxFlows]. It must not change after the first packet.
	//
	// The packets of a further flow count under its protocol and addresses
	// with ports 0, together with others. Once a quarter of MaxFlows of such
	// entries has been used up too, they count under the zero Tuple. A flow that
	// has its entry keeps exact counts, and the sums are always exact.
	//
	// Memory until the next Extract: some 75 bytes for a flow, and the same again
	// in each of the tables that count it, mostly one per direction, at most eight.
	// With the default that is 3 to 5 MiB in a scan.
	MaxFlows int

	counter atomic.Pointer[counter]
}

// Stats tells about the counters of a [Statistics] or a [Meter].
type Stats struct {
	// Flows is the number of entries that an extraction would return now.
	Flows int

	// FoldedPackets is the number of packets that were counted under a wider
	// Tuple than their own, because there was no room for another flow. The number of
	// flows among them is at most that; it is not known exactly, since telling
	// flows apart takes the very memory that folding saves. Extractions do not reset it.
	FoldedPackets uint64

	// UndecodablePackets is the number of packets without a valid IP header,
	// which are counted under the zero Tuple. Extractions do not reset it.
	UndecodablePackets uint64
}

// UpdateTx counts a packet that the local side sends. pkt begins with the IP
// header, without the 4 bytes that a tun puts before it on macOS, and on Linux
// without IFF_NO_PI: a packet that begins otherwise is undecodable, see [Stats].
// Its length is what is counted. An empty pkt is skipped. pkt is not kept.
func (s *Statistics) UpdateTx(pkt []byte) { s.update(tx, pkt) }

// UpdateRx counts a packet that the local side receives, as UpdateTx does. Source
// and destination change places, so that both directions of a flow have one Tuple.
func (s *Statistics) UpdateRx(pkt []byte) { s.update(rx, pkt) }

func (s *Statistics) update(d direction, pkt []byte) {
	if len(pkt) > 0 {
		s.load().count(d, nil, pkt).mu.Unlock()
	}
}

// UpdateTxBatch counts the packets bufs[i][offset:offset+sizes[i]] that the local
// side sends: what Read of a wireguard-go tun.Device fills in, with sizes cut to
// the number of packets that it returned. Sizes below 1 are skipped.
func (s *Statistics) UpdateTxBatch(bufs [][]byte, sizes []int, offset int) {
	c := s.load()
	var sh *shard
	for i, n := range sizes[:min(len(sizes), len(bufs))] {
		b := from(bufs[i], offset)
		if n = min(n, len(b)); n > 0 {
			sh = c.count(tx, sh, b[:n])
		}
	}
	if sh != nil {
		sh.mu.Unlock()
	}
}

// UpdateRxBatch counts the packets bufs[i][offset:] that the local side receives:
// what is handed to Write of a wireguard-go tun.Device. Empty ones are skipped.
func (s *Statistics) UpdateRxBatch(bufs [][]byte, offset int) {
	c := s.load()
	var sh *shard
	for _, b := range bufs {
		if b = from(b, offset); len(b) > 0 {
			sh = c.count(rx, sh, b)
		}
	}
	if sh != nil {
		sh.mu.Unlock()
	}
}

// from returns b[offset:], or nothing where there is no such part.
func from(b []byte, offset int) []byte {
	if offset < 0 || offset > len(b) {
		return nil
	}
	return b[offset:]
}

// Extract returns what was counted since the last Extract, and starts again from
// zero. Every packet is in exactly one extraction. The caller owns the map; it is
// nil where nothing was counted. Source and destination are those of the packets sent.
func (s *Statistics) Extract() map[flowtrack.Tuple]Counts {
	c := s.counter.Load()
	if c == nil {
		return nil
	}
	return c.extract()
}

// Stats tells how full the counters are.
func (s *Statistics) Stats() Stats {
	c := s.counter.Load()
	if c == nil {
		return Stats{}
	}
	return c.stats()
}

// load returns the counter, which it makes if there is none.
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
