package docs_test

import (
	"fmt"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

// measured has what TestSizes and TestFleetCost have measured, as in the first table of the plan in scale.md.
var measured = []struct {
	flows               int
	sent, plain, packed float64 // MB a day of a node, with a FlushDelay of a minute
	single, minute      float64 // microseconds of CPU time for a request of one record, and of twelve
}{
	{10, 3.1, 25.8, 2.9, 81, 307},
	{50, 13.5, 108.5, 12.9, 154, 883},
}

const (
	fleetNodes   = 100_000
	connectTime  = 474 // microseconds of CPU time
	idleMemory   = 46  // KiB of a node with an idle connection
	remembered   = 65_536
	connsAtMost  = 16_384
	day          = 86_400 // seconds
	newIDsAnHour = 1000
	meanWait     = 225.0 // seconds between attempts, after a long outage
)

// TestScalePlan checks the arithmetic in the plan of scale.md: each line must be in it.
func TestScalePlan(t *testing.T) {
	text := read(t, "scale.md")
	var want []string
	line := func(format string, args ...any) { want = append(want, fmt.Sprintf(format, args...)) }
	const requests = fleetNodes / 60.0
	for _, m := range measured {
		line("| %d | %.1f MB | %.1f MB | %.1f MB | %.0f us | %.0f us |", m.flows, m.sent, m.plain, m.packed, m.single, m.minute)
		perSecond := func(mb float64) float64 { return mb * fleetNodes / day }
		perDay := m.packed * fleetNodes / 1e3 // GB
		line("%.1f hours with %d", 8<<20/1e6/m.plain*24, m.flows)
		line("| %d | %s | %.1f MB | %.0f MB | %.1f | %.0f GB | %.1f TB |", m.flows, thousands(fleetNodes/5*m.flows),
			perSecond(m.sent), perSecond(m.plain), requests*m.minute/1e6, perDay, perDay*30/1e3)
	}
	line("%s windows a second", thousands(fleetNodes/5))
	line("%.0f requests a second", requests)
	line("%.1f processors with 10 flows", fleetNodes/5*measured[0].single/1e6)
	line("%.0f s of CPU time", connectTime*fleetNodes/1e6)
	line("%.0f nodes a second", fleetNodes/meanWait)
	line("%.1f processors, and", fleetNodes/meanWait*connectTime/1e6)
	line("%.1f GiB", float64(idleMemory*fleetNodes)/(1<<20))
	line("%d receivers without a balancer", (fleetNodes+connsAtMost-1)/connsAtMost)
	line("%.0f hours", fleetNodes/4.0/3/newIDsAnHour)
	for _, alive := range []int{4, 3, 2, 1} {
		each := fleetNodes / alive
		known := "all"
		if each > remembered {
			known = thousands(remembered)
		}
		here := requests / float64(alive)
		line("| %d | %s | %.0f | %.2f | %s |", alive, thousands(each), here, here*measured[0].minute/1e6, known)
	}
	for _, w := range want {
		qt.Check(t, strings.Contains(text, w), qt.IsTrue, qt.Commentf("scale.md has no %q", w))
	}
}

// thousands writes n with commas.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
