package kerneltest

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// connection is a TCP connection from a to b, or an attempt.
type connection struct {
	name    string
	windows []connectionWindow
}

// connectionWindow is what happens between two extractions, and what both ends have counted then.
type connectionWindow struct {
	steps string // as "a listen, b connect"; see node.step
	a, b  string // flags of Tx and Rx, as "S/SA"; "." for packets without flags, "-" for no packets, "~" for any of both
	says  string // the initiator, and the state, as a record.Conn of each end says after the windows so far
}

var connections = []connection{
	{"established, over many windows", []connectionWindow{
		{"b listen, a connect, b accept", "S/SA", "SA/S", "a established"},
		{"a send, b receive", "./.", "./.", "a established"},
		{"b send, a receive", "./.", "./.", "a established"},
		{"a send, b receive, b send, a receive", "./.", "./.", "a established"},
		{"a close, b ended", "F/.", "./F", "a closed"},
		{"b close", "./F", "F/.", "a closed"},
	}},
	{"within one window", []connectionWindow{
		{"b listen, a connect, b accept, a send, b receive, a close, b ended, b close", "FS/FSA", "FSA/FS", "a closed"},
	}},
	{"refused", []connectionWindow{
		{"a refused", "S/R", "R/S", "a refused"},
	}},
	{"refused, then accepted", []connectionWindow{
		{"a refused", "S/R", "R/S", "a refused"},
		{"b listen, a connect, b accept", "S/SA", "SA/S", "a unknown"},
	}},
	{"unanswered", []connectionWindow{
		{"b listen, b drop, a begin", "S/-", "-/S", "a unanswered"},
		{"a cancel, b open, a connect, b accept", "S/SA", "SA/S", "a established"},
	}},
	{"reset by the side that began", []connectionWindow{
		{"b listen, a connect, b accept", "S/SA", "SA/S", "a established"},
		{"a reset, b broken", "R/-", "-/R", "a reset"},
	}},
	{"reset by the other side", []connectionWindow{
		{"b listen, a connect, b accept, a send, b receive", "S/SA", "SA/S", "a established"},
		{"b reset, a broken", "~/R", "R/~", "a reset"}, // a busy machine may send and acknowledge data once more
	}},
	{"half-closed", []connectionWindow{
		{"b listen, a connect, b accept", "S/SA", "SA/S", "a established"},
		{"a end, b ended", "F/.", "./F", "a closed"},
		{"b send, a receive", "./.", "./.", "a closed"},
		{"b send, a receive", "./.", "./.", "a closed"},
		{"b close, a ended", "./F", "F/.", "a closed"},
	}},
	{"port used again after a reset", []connectionWindow{
		{"b listen, a connect, b accept, a reset, b broken, a connect, b accept", "SR/SA", "SA/SR", "a reset"},
		{"a send, b receive", "./.", "./.", "a unknown"},
	}},
	{"port used again after a close", []connectionWindow{
		{"b listen, a connect, b accept, b close, a ended, a close, a connect, b accept", "FS/FSA", "FSA/FS", "a closed"},
		{"a send, b receive", "./.", "./.", "a unknown"},
	}},
	{"simultaneous open", []connectionWindow{
		{"a hold, b hold, a begin, b begin", "S/S", "S/S", "? unknown"},
		{"a open, b open, a connected, b connected", "SA/SA", "SA/SA", "? established"},
		{"a send, b receive, b send, a receive", "./.", "./.", "? established"},
		{"b close, a ended, a close", "F/F", "F/F", "? closed"},
	}},
}

func TestConnectionFlags(t *testing.T) {
	needLab(t)
	for _, offload := range []bool{false, true} {
		t.Run(map[bool]string{false: "one packet at a time", true: "with offload"}[offload], func(t *testing.T) {
			tn := newTunnel(t, offload, "", "")
			for i, conn := range connections {
				for family, addrs := range [][2]string{{insideA, insideB}, {insideA6, insideB6}} {
					port := uint16(20000 + 2*i + family)
					a := netip.AddrPortFrom(netip.MustParseAddr(addrs[0]), port)
					b := netip.AddrPortFrom(netip.MustParseAddr(addrs[1]), port)
					t.Run(fmt.Sprintf("%s/IPv%d", conn.name, 4+2*family), func(t *testing.T) { tn.connect(t, conn, a, b) })
				}
			}
		})
	}
}

// connect goes through the windows of a connection between the addresses a and b.
func (tn *tunnel) connect(t *testing.T, conn connection, a, b netip.AddrPort) {
	for _, n := range []*child{tn.a, tn.b} {
		n.t = t
		n.ask(command{Op: "step", Step: step{Do: "open"}}) // if the last connection failed
	}
	var saysA, saysB record.Conn
	for _, w := range conn.windows {
		for st := range strings.SplitSeq(w.steps, ", ") {
			node, do, _ := strings.Cut(st, " ")
			if node == "a" {
				tn.a.ask(command{Op: "step", Step: step{do, a, b}})
			} else {
				tn.b.ask(command{Op: "step", Step: step{do, b, a}})
			}
		}
		var atA, atB tunstats.Counts
		for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
			atA = atA.Add(tn.a.extract(a, b))
			atB = atB.Add(tn.b.extract(b, a))
			if have(atA, w.a) && have(atB, w.b) {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("after %q: %s at a, %s at b, want %s and %s", w.steps, flags(atA), flags(atB), w.a, w.b)
			}
		}
		saysA, saysB = saysA.Add(atA), saysB.Add(atB)
		for end, c := range map[string]record.Conn{"a": saysA, "b": saysB.Reverse()} {
			initiator := [...]string{record.SideUnknown: "?", record.SideSrc: "a", record.SideDst: "b"}[c.Initiator()]
			if got := fmt.Sprint(initiator, " ", c.State()); got != w.says {
				t.Errorf("after %q: the records of %s say %q, want %q", w.steps, end, got, w.says)
			}
		}
	}
}

// extract extracts the counters of a node and returns those of one connection.
func (c *child) extract(local, remote netip.AddrPort) tunstats.Counts {
	for _, f := range c.ask(command{Op: "extract"}).Flows {
		if f.Tuple == (flowtrack.Tuple{Proto: flowtrack.TCP, Src: local, Dst: remote}) {
			return f.Counts
		}
	}
	return tunstats.Counts{}
}

// have reports whether c has flags as in the table.
func have(c tunstats.Counts, want string) bool {
	tx, rx, _ := strings.Cut(flags(c), "/")
	wantTx, wantRx, _ := strings.Cut(want, "/")
	same := func(got, want string) bool { return got == want || want == "~" && (got == "." || got == "-") }
	return same(tx, wantTx) && same(rx, wantRx)
}

// flags formats the flags of both directions as in the table.
func flags(c tunstats.Counts) string {
	direction := func(packets uint64, f tunstats.TCPFlags) string {
		switch {
		case packets == 0:
			return "-"
		case f == 0:
			return "."
		}
		return f.String()
	}
	return direction(c.TxPackets, c.TxFlags) + "/" + direction(c.RxPackets, c.RxFlags)
}
