package record_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// packet returns the counts of a packet, written as its flags and ">" or "<" and its flags.
func packet(p string) (c tunstats.Counts) {
	if tx, ok := strings.CutSuffix(p, ">"); ok {
		_, c.TxBytes, c.TxFlags = sent(tx)
		c.TxPackets = 1
	} else {
		_, c.RxBytes, c.RxFlags = sent(strings.TrimPrefix(p, "<"))
		c.RxPackets = 1
	}
	return c
}

// TestConnAgreesWithPackets makes up connections packet by packet, cuts them into windows at random,
// and checks that whatever a Conn says is true.
func TestConnAgreesWithPackets(t *testing.T) {
	for name, packets := range map[string]string{
		"established": "S> <SA .> .> <. .> <. .> <.",
		"unanswered":  "S> S> S> S>",
		"refused":     "S> <R",
		"closed":      "S> <SA .> .> <. F> <. <. <F .>",
		"reset":       "S> <SA .> .> <. <R",
	} {
		t.Run(name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(1, 2))
			for range 500 {
				var ws []tunstats.Counts
				w := tunstats.Counts{}
				for p := range strings.FieldsSeq(packets) {
					if w = w.Add(packet(p)); rnd.IntN(3) == 0 {
						ws = append(ws, w)
						w = tunstats.Counts{}
					}
				}
				ws = append(ws, w)
				c := record.ConnOf(ws...)
				qt.Assert(t, c.Initiator(), qt.Equals, record.SideSrc, qt.Commentf("%v", ws))
				qt.Assert(t, c.State().String(), qt.Equals, name, qt.Commentf("%v", ws))

				// Without its first windows a flow has no beginning. What is said of its end may be less.
				for i := range ws {
					late := record.ConnOf(ws[i:]...)
					if !slices.ContainsFunc(ws[i:], func(w tunstats.Counts) bool { return w.TxFlags&tunstats.SYN != 0 }) {
						qt.Assert(t, late.Initiator(), qt.Equals, record.SideUnknown, qt.Commentf("%v", ws[i:]))
					}
					if s := late.State(); s != record.StateUnknown {
						qt.Assert(t, s.String(), qt.Equals, name, qt.Commentf("%v", ws[i:]))
					}
				}
			}
		})
	}
}

// TestConnAllCuts cuts packets into windows in every way. The state is the true one, or where the
// table says so, unknown for some of the cuts.
func TestConnAllCuts(t *testing.T) {
	for _, tt := range []struct{ name, packets, initiator, state string }{
		{"closed by the server first", "S> <SA .> <D <F .> F> <.", "src", "closed"},
		{"simultaneous close", "S> <SA .> D> <. F> <F .> <.", "src", "closed"},
		{"acknowledgments sent again after both FINs", "S> <SA .> .> F> <F .> <.", "src", "closed"},
		{"data sent again after both FINs", "S> <SA .> D> F> <F D> <.", "src", "closed or unknown"},
		{"FIN sent again", "S> <SA .> <F .> F> <F .> F> <.", "src", "closed"},
		{"half-closed for long", "S> <SA .> F> <D .> <D .> <D .>", "src", "closed"},
		{"both FINs, then RST", "S> <SA .> <F .> F> <R", "src", "closed"},
		{"RST in TIME-WAIT", "S> <SA .> F> <F .> <. R>", "src", "closed"},
		{"SYN sent again before the answer", "S> S> <SA .> <SA .> .> <.", "src", "established"},
		{"SYN sent again, and late", "S> <SA .> S> <. D> <.", "src", "established or unknown"},
		{"SYN and ACK sent again", "S> <SA <SA .> <D .>", "src", "established"},
		{"simultaneous open", "S> <S SA> <SA .> <.", "unknown", "established"},
		{"simultaneous open, the first SYN lost on its way", "S> <S SA> <. .>", "dst or unknown", "established"},
		{"refused when the SYN was sent again", "S> S> <R", "src", "refused"},
		{"refused again and again", "S> <R S> <R S> <R", "src", "refused or unknown"},
		{"one FIN, then RST", "S> <SA .> D> <. F> <R", "src", "reset"},
		{"as a scan does", "S> <SA R>", "src", "reset"},
		{"reset while data is on the way", "S> <SA .> D> <. R> <D <D R>", "src", "reset"},
		{"reset while both send", "S> <SA .> D> <R D> <R D> <R", "src", "reset"},
		{"reset after silence", "S> <SA .> D> <. .> .> .> R>", "src", "reset"},
		{"reset after the SYN and ACK was sent again", "S> <SA .> D> <SA .> <SA .> <R", "src", "reset"},
		{"answers on another path", "S> .> D> .> D> F>", "src", "unknown"},
		{"RST on the same path alone", "S> S> R>", "src", "unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			packets := strings.Fields(tt.packets)
			seen := map[string]bool{}
			for cuts := range 1 << (len(packets) - 1) {
				var c record.Conn
				var w tunstats.Counts
				for i, p := range packets {
					if w = w.Add(packet(p)); cuts>>i&1 == 1 {
						c, w = c.Add(w), tunstats.Counts{}
					}
				}
				c = c.Add(w)
				seen[c.State().String()] = true
				qt.Check(t, tt.initiator, qt.Contains, c.Initiator().String(), qt.Commentf("cuts %b", cuts))
			}
			qt.Check(t, slices.Sorted(maps.Keys(seen)), qt.DeepEquals, strings.Split(tt.state, " or "))
		})
	}
}
