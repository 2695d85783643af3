package doubleentry

import (
	"math/rand/v2"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// TestFirstMeetingEveryPair compares the sweep with a comparison of every two stays.
func TestFirstMeetingEveryPair(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 20_000 {
		slack := time.Duration(rng.IntN(3))
		var stays []stay
		for who := range rng.IntN(7) {
			at := time.Unix(1e9, 0)
			for range rng.IntN(3) { // apart, as the spans of a node are
				at = at.Add(time.Duration(1 + rng.IntN(8)))
				s := stay{who: who, window: window{start: at}}
				at = at.Add(time.Duration(rng.IntN(6)))
				s.end = at
				stays = append(stays, s)
			}
		}
		met := make(map[[2]int]bool) // by the two claimants
		for _, x := range stays {
			for _, y := range stays {
				if x.who < y.who && x.end.Sub(y.start) > slack && y.end.Sub(x.start) > slack {
					met[[2]int{x.who, y.who}] = true
				}
			}
		}
		i, j, ok := firstMeeting(stays, slack)
		qt.Assert(t, ok, qt.Equals, len(met) > 0)
		if ok {
			qt.Assert(t, met[[2]int{i, j}], qt.IsTrue)
		}
	}
}
