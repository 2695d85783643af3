package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/go-netlog/netlog/tunstats"
	"tailscale.com/net/packet"
	"tailscale.com/types/netlogtype"
)

// window is one window of traffic of an implementation: a counter that has seen
// nothing yet, and how to empty it.
type window struct {
	count   func(batches []batch)
	extract func() (flows int)
}

func theirWindow() window {
	counts := new(netlogtype.CountsByConnection)
	return window{
		func(batches []batch) {
			p := new(packet.Parsed)
			for _, b := range batches {
				for _, pkt := range b.bufs {
					p.Decode(pkt)
					counts.Add(p.IPProto, p.Src, p.Dst, 1, len(pkt), false)
				}
			}
		},
		func() int {
			m := counts.Clone()
			counts.Reset()
			return len(m)
		},
	}
}

func ourWindow(maxFlows int) func() window {
	return func() window {
		s := &tunstats.Statistics{MaxFlows: maxFlows}
		return window{
			func(batches []batch) {
				for _, b := range batches {
					s.UpdateTxBatch(b.bufs, b.sizes, 0)
				}
			},
			func() int { return len(s.Extract()) },
		}
	}
}

// flows compares flows that are new in their window, of which a scan is the
// extreme: the time of a first packet and of an extraction, and the memory that
// is alive between them. Theirs is emptied by Clone and Reset.
func flows(t *table, rounds int) {
	t.row("IP", "new flows", "", "first packet ns", "extract ns/flow", "live B/flow", "live MiB", "first/theirs", "live/theirs")
	for _, version := range []int{4, 6} {
		for _, flows := range []int{1000, 10_000, 1_000_000} {
			batches := flowBatches(version, flows, 0)
			contenders := []struct {
				name string
				open func() window
			}{
				{"theirs", theirWindow},
				{"ours, default MaxFlows", ourWindow(0)},
				{"ours, MaxFlows raised", ourWindow(flows)},
			}
			costs := make([][]cost, len(contenders))
			for range rounds {
				for i, c := range contenders {
					costs[i] = append(costs[i], oneWindow(c.open(), batches))
				}
			}
			theirs := medianCost(costs[0])
			for i, c := range contenders {
				m, n := medianCost(costs[i]), float64(flows)
				t.row(fmt.Sprintf("v%d", version), fmt.Sprint(flows), c.name,
					ns(m.count/n), ns(m.extract/n), ns(m.live/n), ns(m.live/(1<<20)),
					ratio(m.count, theirs.count), ratio(m.live, theirs.live))
			}
		}
	}
}

// cost is what one window took: nanoseconds, and bytes alive before the extraction.
type cost struct{ count, extract, live float64 }

func oneWindow(w window, batches []batch) (c cost) {
	before := liveHeap()
	start := time.Now()
	w.count(batches)
	c.count = float64(time.Since(start).Nanoseconds())
	c.live = liveHeap() - before
	start = time.Now()
	w.extract()
	c.extract = float64(time.Since(start).Nanoseconds())
	runtime.KeepAlive(batches)
	return c
}

func medianCost(costs []cost) cost {
	pick := func(f func(c cost) float64) float64 {
		v := make([]float64, len(costs))
		for i, c := range costs {
			v[i] = f(c)
		}
		return median(v)
	}
	return cost{
		pick(func(c cost) float64 { return c.count }),
		pick(func(c cost) float64 { return c.extract }),
		pick(func(c cost) float64 { return c.live }),
	}
}

// liveHeap returns the bytes in use on the heap once the garbage is gone.
func liveHeap() float64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return float64(s.HeapAlloc)
}
