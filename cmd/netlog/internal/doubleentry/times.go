package doubleentry

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-netlog/netlog/record"
)

// window is the time of a record, or of all records of a process.
type window struct{ start, end time.Time }

// valid reports whether w has a start and does not end before it.
func (w window) valid() bool { return !w.start.IsZero() && !w.end.Before(w.start) }

// union returns the time from the first start of w and v to the last end.
func (w window) union(v window) window {
	if v.start.Before(w.start) {
		w.start = v.start
	}
	if v.end.After(w.end) {
		w.end = v.end
	}
	return w
}

// shift returns w later by d.
func (w window) shift(d time.Duration) window { return window{w.start.Add(d), w.end.Add(d)} }

// clock is the difference between the clocks of the receiver and of a node.
type clock struct {
	behind time.Duration // the smallest difference of server time and client time: latency and clock error
	known  bool
}

// add takes the times of one record into account.
func (c *clock) add(m record.Meta) {
	if m.ServerTime.IsZero() || m.ClientTime.IsZero() {
		return
	}
	if d := m.ServerTime.Sub(m.ClientTime); !c.known || d < c.behind {
		c.behind, c.known = d, true
	}
}

// String describes c.
func (c clock) String() string {
	switch {
	case !c.known:
		return "not known"
	case c.behind < 0:
		return fmt.Sprintf("%v ahead", (-c.behind).Round(time.Millisecond))
	}
	return fmt.Sprintf("at most %v behind", c.behind.Round(time.Millisecond))
}

// times is when a node counted. The survey fills it, the spans at its end.
type times struct {
	clock   clock
	longest time.Duration // the longest window
	spans   []span        // by the clock of the receiver; sorted and disjoint
}

// span is a time during which a node counted without interruption.
type span struct {
	window
	late bool // earlier entries are missing, so it began earlier
}

// setSpans sets the spans of n from its processes, when its clock is known.
func (n *node) setSpans() {
	for _, p := range n.processes {
		if p.window.valid() {
			n.spans = append(n.spans, span{p.window.shift(n.clock.behind), p.seqs.First() > 1})
		}
	}
	n.spans = joined(n.spans)
}

// joined sorts spans and merges those that overlap, so that a binary search finds a span
// however many processes a node has.
func joined(spans []span) []span {
	slices.SortFunc(spans, func(x, y span) int { return x.start.Compare(y.start) })
	apart := spans[:0]
	for _, s := range spans {
		if last := len(apart) - 1; last >= 0 && !apart[last].end.Before(s.start) {
			apart[last].window = apart[last].union(s.window)
			continue
		}
		apart = append(apart, s)
	}
	return apart
}

// spanAfter returns the index of the first span that ends after t.
func (n *times) spanAfter(t time.Time) int {
	i, _ := slices.BinarySearchFunc(n.spans, t, func(s span, t time.Time) int {
		if s.end.After(t) {
			return 1
		}
		return -1
	})
	return i
}

// countedPart reports whether n counted during a part of w.
func (n *times) countedPart(w window) bool {
	i := n.spanAfter(w.start)
	return i < len(n.spans) && n.spans[i].start.Before(w.end)
}

// counted reports whether n counted during all of w, a window of other. Both have a span.
//
// Two nodes that start or stop within a short time count as starting or stopping
// together. Otherwise the first and last windows of one of them could never be compared.
// At the start, one window more is allowed, since a node writes nothing about windows
// without traffic. If the first entries of a node are missing, its start is unknown.
func (n *times) counted(w window, other *times, slack time.Duration) bool {
	last, otherFirst, otherLast := len(n.spans)-1, other.spans[0], other.spans[len(other.spans)-1]
	return slices.ContainsFunc([]int{0, last, n.spanAfter(w.start)}, func(i int) bool {
		if i > last {
			return false
		}
		s := n.spans[i]
		if i == 0 && w.start.Equal(otherFirst.start) && !s.late && !otherFirst.late {
			s.start = s.start.Add(-n.longest - slack)
		}
		if i == last && w.end.Equal(otherLast.end) {
			s.end = s.end.Add(slack)
		}
		return !w.start.Before(s.start) && !w.end.After(s.end)
	})
}

// String describes when n counted. A node may have sent only text.
func (n *times) String() string {
	if len(n.spans) == 0 {
		return "no windows"
	}
	start, end := n.spans[0].start, n.spans[len(n.spans)-1].end
	return fmt.Sprintf("%s to %s", start.UTC().Format(time.DateTime), end.UTC().Format(time.DateTime))
}
