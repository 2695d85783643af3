package main

import (
	"fmt"
	"runtime"
)

// windows measures a window from the device's map to the HTTP transport: ours is
// classified, sorted, encoded, compressed and sent. Theirs is not classified or
// sorted, so it does less.
func windows(t *table, rounds int) {
	t.row("flows", "prefixes", "theirs ns/flow", "ours ns/flow", "ours/theirs", "ours/ours at 10", "theirs allocs", "ours allocs")
	for _, flows := range []int{500, 2000, 10_000} {
		var few float64
		for _, prefixes := range []int{10, 1000, 10_000} {
			n := newNetwork(prefixes)
			m := race(rounds, count(n.tuples(flows), mixed, 1), newTheirs(0), newOurs(n, 0))
			if prefixes == 10 {
				few = m[1].time
			}
			t.row(fmt.Sprint(flows), fmt.Sprint(prefixes), ns(m[0].time), ns(m[1].time), ratio(m[1].time, m[0].time), ratio(m[1].time, few),
				fmt.Sprint(m[0].allocs), fmt.Sprint(m[1].allocs))
		}
	}
}

// pace is what one window takes from hand to settle.
type pace struct {
	time   float64 // nanoseconds a flow
	allocs float64 // objects a window
}

// race runs the pipelines in turn, several windows each, rounds times, closes them
// and returns their medians.
func race(rounds int, window flowMap, pipelines ...pipeline) []pace {
	const perRound = 10 // windows; the first fills the caches that the others emptied, and is not counted
	times, allocs := make([][]float64, len(pipelines)), make([][]float64, len(pipelines))
	for range rounds {
		for i, p := range pipelines {
			runtime.GC()
			for n := range perRound {
				from := p.hand(window)
				to, allocated := p.settle(), mallocs()
				if n > 0 {
					times[i] = append(times[i], float64(to.last.Sub(from.at).Nanoseconds())/float64(len(window)))
					allocs[i] = append(allocs[i], float64(allocated-from.allocs))
				}
			}
		}
	}
	paces := make([]pace, len(pipelines))
	for i, p := range pipelines {
		p.close()
		paces[i] = pace{median(times[i]), median(allocs[i])}
	}
	return paces
}
