package main

import (
	"fmt"
	"time"
)

// wire measures the bytes that leave, a flow: of one window, and of six windows of
// the same flows that a FlushDelay puts into as few requests as take them. Where one
// flow in ten begins or ends in a window, ours has its TCP flags, and theirs has none.
func wire(t *table, _ int) {
	t.row("flows", "packet sizes", "windows", "theirs bytes/flow", "requests", "ours bytes/flow", "requests", "ours/theirs", "with flags", "flags cost")
	n := newNetwork(1)
	for _, flows := range []int{250, 500, 1000} {
		for _, sizes := range []struct {
			name string
			of   sizing
		}{{"bulk", bulk}, {"mixed", mixed}} {
			for _, count := range []int{1, 6} {
				openOurs := func(delay time.Duration) pipeline { return newOurs(n, delay) }
				theirs, ours := weigh(n, flows, count, sizes.of, false, newTheirs), weigh(n, flows, count, sizes.of, false, openOurs)
				flagged := weigh(n, flows, count, sizes.of, true, openOurs)
				per := float64(flows * count)
				t.row(fmt.Sprint(flows), sizes.name, fmt.Sprint(count),
					fmt.Sprintf("%.1f", float64(theirs.wire)/per), fmt.Sprint(theirs.requests),
					fmt.Sprintf("%.1f", float64(ours.wire)/per), fmt.Sprint(ours.requests),
					ratio(float64(ours.wire), float64(theirs.wire)),
					fmt.Sprintf("%.1f", float64(flagged.wire)/per), fmt.Sprintf("%.2f", float64(flagged.wire-ours.wire)/per))
			}
		}
	}
}

// weigh returns what arrives of some windows of the same flows.
func weigh(n *network, flows, windows int, sizes sizing, flags bool, open func(flushDelay time.Duration) pipeline) received {
	p := open(300 * time.Millisecond)
	defer p.close()
	tuples := n.tuples(flows)
	for i := range windows {
		window := count(tuples, sizes, uint64(i))
		if flags {
			beginAndEnd(window, tuples, uint64(i))
		}
		p.hand(window)
	}
	return p.settle()
}
