package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// quick returns the options of a short run. Its end never waits for grace, unless something hangs.
func quick(out *bytes.Buffer) options {
	return options{
		out: out, poll: 100 * time.Millisecond, rounds: 2, pause: 150 * time.Millisecond, bytes: 1 << 20, grace: time.Hour,
	}
}

// goroutinesEnd checks at the end of the test that no goroutine is left.
func goroutinesEnd(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		deadline := time.Now().Add(time.Minute)
		for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
			time.Sleep(10 * time.Millisecond)
		}
		if n := runtime.NumGoroutine(); n > before {
			stacks := make([]byte, 1<<20)
			t.Errorf("%d goroutines, and %d before:\n%s", n, before, stacks[:runtime.Stack(stacks, true)])
		}
	})
}

func TestRunRecordsMatchDevices(t *testing.T) {
	collector, err := startServer(&receiver.Handler{Sink: newBook()})
	qt.Assert(t, err, qt.IsNil)
	defer collector.close()
	for _, test := range []struct{ name, url string }{
		{"embedded receiver", ""},
		{"another receiver", collector.url},
	} {
		t.Run(test.name, func(t *testing.T) {
			goroutinesEnd(t)
			c := qt.New(t)
			var out bytes.Buffer
			opts := quick(&out)
			opts.url = test.url
			r, err := run(t.Context(), opts)
			c.Assert(err, qt.IsNil, qt.Commentf("%s", &out))
			for _, e := range r.ends {
				c.Check(e.records, qt.Equals, e.device)
				c.Check(e.windows >= 3, qt.IsTrue, qt.Commentf("%d windows", e.windows))
			}
			checkRows(c, r, opts)
			c.Check(out.String(), qt.Contains, "\nOK: ")
		})
	}
}

// checkRows checks that the records of both ends match the traffic of the demo.
func checkRows(c *qt.C, r *report, opts options) {
	sums := make(map[string]tunstats.Counts) // by node, class, protocol and the lower port
	states := make(map[string]int)           // by node, class, protocol, destination port and state
	for _, row := range r.rows {
		at := row.node + " " + row.class + " " + row.Proto.String()
		key := fmt.Sprint(at, " ", min(row.Src.Port(), row.Dst.Port()))
		sums[key] = sums[key].Add(row.Counts)
		if row.state != "-" {
			states[fmt.Sprint(at, " ", row.Dst.Port(), " ", row.state)]++
		}
	}
	connections := states["alpha virtual TCP 80 closed"]
	c.Check(connections > 0, qt.IsTrue)
	c.Check(states, qt.DeepEquals, map[string]int{
		"alpha virtual TCP 80 closed": connections, "beta virtual TCP 80 closed": connections,
		"alpha virtual TCP 81 refused": 1, "beta virtual TCP 81 refused": 1, "beta denied UDP 9 denied": 1,
	})
	c.Check(sums["beta denied UDP 9"].TxPackets > 0, qt.IsTrue)
	c.Check(sums["beta denied UDP 9"], qt.Equals, sums["beta virtual UDP 9"], qt.Commentf("the tunnel counts it too"))
	rounds := uint64(opts.rounds)
	down, up := rounds*uint64(opts.bytes), rounds*uint64(opts.bytes/2)
	const headers = 40                               // bytes of a TCP packet without options, IPv4
	for _, node := range []string{"alpha", "beta"} { // both show the connections from the side of alpha, which began them
		tcp := sums[node+" virtual TCP 80"]
		between := func(what string, got, moved, packets uint64) {
			low, high := moved+packets*headers, moved+moved/10
			c.Check(got >= low && got <= high, qt.IsTrue, qt.Commentf("%s %s: %d not in [%d, %d]", node, what, got, low, high))
		}
		between("tx", tcp.TxBytes, up, tcp.TxPackets)
		between("rx", tcp.RxBytes, down, tcp.RxPackets)

		// A busy machine may lose messages, which are sent again.
		exchanged := func(proto string, n, size uint64) {
			got := sums[node+" virtual "+proto]
			note := qt.Commentf("%s %s: %+v, want %d packets each way", node, proto, got, n)
			c.Check(got.TxPackets >= n && got.TxPackets <= n*maxTries && got.RxPackets >= n && got.RxPackets <= n*maxTries, qt.IsTrue, note)
			c.Check(got.TxBytes == got.TxPackets*size && got.RxBytes == got.RxPackets*size, qt.IsTrue, note)
		}
		exchanged("ICMPv4 0", rounds*pings, 20+8+56)
		exchanged("UDP 7", rounds*datagrams, 20+8+500)

		// WireGuard adds 32 bytes to a packet, and pads it.
		under := sums[node+" physical unknown 0"]
		if node == "beta" {
			tcp = record.ConnectionCounts{Counts: tcp}.Reverse().Counts
		}
		c.Check(under.TxBytes > tcp.TxBytes+32*tcp.TxPackets, qt.IsTrue)
		c.Check(under.RxBytes > tcp.RxBytes+32*tcp.RxPackets, qt.IsTrue)
	}
}

func TestRunInterrupted(t *testing.T) {
	for _, after := range []time.Duration{0, 5, 20, 100, 200, 350} {
		t.Run((after * time.Millisecond).String(), func(t *testing.T) {
			goroutinesEnd(t)
			ctx, cancel := context.WithTimeoutCause(t.Context(), after*time.Millisecond, errors.New("Ctrl-C"))
			defer cancel()
			var out bytes.Buffer
			hung := time.AfterFunc(time.Minute, func() { panic("run does not end") })
			defer hung.Stop()
			if _, err := run(ctx, quick(&out)); err != nil {
				qt.Check(t, ctx.Err(), qt.IsNotNil, qt.Commentf("%v\n%s", err, &out))
			}
		})
	}
}

func TestReportMismatch(t *testing.T) {
	n := func(tx, rx uint64) tunstats.Counts { return tunstats.Counts{TxPackets: tx, RxPackets: rx} }
	for _, test := range []struct {
		name string
		a, b end
		want error
	}{
		{"equal", end{device: n(100, 50), records: n(100, 50)}, end{device: n(50, 100), records: n(50, 100)}, nil},
		{"few packets lost", end{device: n(100, 50), records: n(100, 50)}, end{device: n(50, 95), records: n(50, 95)}, nil},
		{"many packets lost", end{device: n(100, 50), records: n(100, 50)}, end{device: n(50, 90), records: n(50, 90)}, errMismatch},
		{"more received than sent", end{device: n(100, 50), records: n(100, 50)}, end{device: n(49, 100), records: n(49, 100)}, errMismatch},
		{"record missing", end{device: n(100, 50), records: n(100, 50)}, end{device: n(50, 100), records: n(50, 99)}, errMismatch},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			r := &report{ends: [2]end{test.a, test.b}}
			qt.Check(t, r.check(&out), qt.Equals, test.want)
		})
	}
}
