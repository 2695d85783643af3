package doubleentry

import (
	"cmp"
	"slices"
	"time"
)

// stay is a time during which a claimant had an identity or an address.
type stay struct {
	who        int // the number of the claimant
	start, end time.Time
}

// firstMeeting returns the first two claimants whose stays overlap: each starts more than slack
// before the other ends. The stays of one claimant must not overlap. firstMeeting changes stays.
func firstMeeting(stays []stay, slack time.Duration) (a, b int, ok bool) {
	for i := range stays {
		stays[i].end = stays[i].end.Add(-slack)
	}
	// A stay shorter than slack now ends before it starts. It meets those that have started
	// before it ends and end after it starts.
	slices.SortStableFunc(stays, func(x, y stay) int {
		return cmp.Or(x.from().Compare(y.from()), cmp.Compare(x.length(), y.length()))
	})
	latest := 0 // the stay before i that ends last: if i meets any, it meets this one
	for i, s := range stays {
		if l := stays[latest]; i > 0 && l.end.After(s.start) {
			return min(l.who, s.who), max(l.who, s.who), true
		}
		if s.end.After(stays[latest].end) {
			latest = i
		}
	}
	return 0, 0, false
}

// from returns the start of s, or its end if that comes first.
func (s stay) from() time.Time {
	if s.end.Before(s.start) {
		return s.end
	}
	return s.start
}

func (s stay) length() time.Duration { return s.end.Sub(s.start) }
