package main

import (
	"fmt"
	"sync"

	"github.com/go-netlog/netlog/tunstats"
	"tailscale.com/net/packet"
	"tailscale.com/types/netlogtype"
)

// packetsPerRound per goroutine are some milliseconds: short enough that most rounds
// of a busy machine are not interrupted.
const packetsPerRound = 1 << 17

// counting is how one implementation counts packets in one direction.
type counting func(batches []batch, rx bool)

// packets compares the steady path: all flows are in the table already.
func packets(t *table, rounds int) {
	t.row("IP", "flows", "goroutines", "theirs ns", "ours ns", "batch ns", "ours/theirs", "batch/theirs", "batch/one goroutine")
	for _, version := range []int{4, 6} {
		for _, flows := range []int{1, 1000, 100_000} {
			var one float64 // ours in batches on one goroutine
			for _, g := range []struct {
				name string
				rx   []bool
			}{
				{"1 Tx", []bool{false}},
				{"1 Tx + 1 Rx", []bool{false, true}},
				{"2 Rx", []bool{true, true}},
			} {
				m := alternate(rounds,
					spread(theirs(), version, flows, g.rx),
					spread(ours(), version, flows, g.rx),
					spread(oursBatch(), version, flows, g.rx))
				if len(g.rx) == 1 {
					one = m[2]
				}
				t.row(fmt.Sprintf("v%d", version), fmt.Sprint(flows), g.name, ns(m[0]), ns(m[1]), ns(m[2]),
					ratio(m[1], m[0]), ratio(m[2], m[0]), ratio(m[2], one))
			}
		}
	}
}

// spread runs count on one goroutine per element of rx. Each has the flows of
// its own peers, as the goroutines of wireguard-go have.
func spread(count counting, version, flows int, rx []bool) contender {
	batches := make([][]batch, len(rx))
	for i := range rx {
		batches[i] = flowBatches(version, flows, uint8(i))
	}
	return func() int {
		var wg sync.WaitGroup
		pass := max(flows, batchSize)
		passes := packetsPerRound / pass
		for i := range rx {
			wg.Go(func() {
				for range passes {
					count(batches[i], rx[i])
				}
			})
		}
		wg.Wait()
		return passes * pass * len(rx)
	}
}

// theirs decodes with net/packet and counts with netlogtype.
func theirs() counting {
	counts := new(netlogtype.CountsByConnection)
	return func(batches []batch, rx bool) {
		p := new(packet.Parsed)
		for _, b := range batches {
			for _, pkt := range b.bufs {
				p.Decode(pkt)
				counts.Add(p.IPProto, p.Src, p.Dst, 1, len(pkt), rx)
			}
		}
	}
}

// ours counts packet by packet.
func ours() counting {
	m := &tunstats.Meter{MaxFlows: 1 << 20}
	m.SetStatisticsEnabled(true)
	return func(batches []batch, rx bool) {
		for _, b := range batches {
			for _, pkt := range b.bufs {
				if rx {
					m.UpdateRx(pkt)
				} else {
					m.UpdateTx(pkt)
				}
			}
		}
	}
}

// oursBatch counts in batches of batchSize.
func oursBatch() counting {
	m := &tunstats.Meter{MaxFlows: 1 << 20}
	m.SetStatisticsEnabled(true)
	return func(batches []batch, rx bool) {
		for _, b := range batches {
			if rx {
				m.UpdateRxBatch(b.bufs, 0)
			} else {
				m.UpdateTxBatch(b.bufs, b.sizes, 0)
			}
		}
	}
}
