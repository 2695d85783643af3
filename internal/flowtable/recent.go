package flowtable

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/go-netlog/netlog/internal/records"
)

const (
	recentTime = time.Minute     // the time that Recent shows
	recentLag  = 2 * time.Minute // windows that are older are not current
	leastSpan  = 5 * time.Second // of the rates; the usual length of a window
)

// Recent holds the records that a receiver got in the last minute, and adds the traffic of
// that minute to a table. It does not depend on a clock that is right:
//
//   - The minute is one of the monotonic clock of the receiver.
//   - From each node, it counts the last minute by the clock of that node, up to the end of
//     the window that arrived last. It counts a part of a window that began earlier.
//   - A node that sends windows more than two minutes older than its last one is delivering
//     what it could not deliver earlier. For a minute, windows of that node do not count if
//     they arrive more than two minutes after their end, by the clock of the receiver.
//
// So a node with a wrong clock changes only its own rates, and a node that delivers hours of
// windows at once has at most the traffic of a minute. Recent is not safe for concurrent use.
type Recent struct {
	// MaxBytes limits the size of the records. If they exceed it, the oldest are dropped, and
	// rates are averaged over less than a minute.
	MaxBytes int

	list  []arrival // oldest first
	bytes int       // of list
	nodes map[string]*source
	since time.Duration // list has everything that arrived later
	now   time.Duration
}

// arrival is a record.
type arrival struct {
	raw        []byte
	at         time.Duration
	from       *source
	start, end time.Time // of its window; zero if unknown
	late       bool      // the window ended long before
}

// source is a node that sent a record in the last minute.
type source struct {
	at     time.Duration // of the last record
	end    time.Time     // of the window that arrived last
	behind time.Duration // until when the node counts as one that sent old windows
}

// Update adds records, in the order in which they arrived, and keeps raw. It drops those
// that arrived a minute ago. now is the time since the receiver started, by its
// monotonic clock, and wall is the time of day.
func (r *Recent) Update(raw [][]byte, now time.Duration, wall time.Time) {
	r.now = now
	for _, b := range raw {
		r.add(b, wall)
	}
	r.drop(func(a *arrival) bool {
		if now-a.at >= recentTime {
			return true
		}
		old := a.end.Before(a.from.end.Add(-recentLag)) && !a.end.IsZero()
		if old {
			a.from.behind = a.at + recentTime
		}
		return old
	})
	r.drop(func(a *arrival) bool { return a.late && now < a.from.behind })
	n := 0
	for ; r.bytes > r.MaxBytes; n++ {
		r.bytes -= len(r.list[n].raw)
		r.since = r.list[n].at
	}
	r.list = slices.Delete(r.list, 0, n)
	maps.DeleteFunc(r.nodes, func(_ string, s *source) bool { return now-s.at >= recentTime })
}

// drop drops records.
func (r *Recent) drop(which func(*arrival) bool) {
	r.list = slices.DeleteFunc(r.list, func(a arrival) bool {
		yes := which(&a)
		if yes {
			r.bytes -= len(a.raw)
		}
		return yes
	})
}

// add adds a record.
func (r *Recent) add(raw []byte, wall time.Time) {
	var rec records.Record
	if rec.UnmarshalJSON(raw) != nil {
		return
	}
	if r.nodes == nil {
		r.nodes = make(map[string]*source)
	}
	s := r.nodes[rec.Reporter()]
	if s == nil {
		s = new(source)
		r.nodes[rec.Reporter()] = s
	}
	s.at = r.now
	a := arrival{raw: raw, at: r.now, from: s}
	if !rec.Start.IsZero() && !rec.End.Before(rec.Start) {
		a.start, a.end, a.late = rec.Start, rec.End, wall.Sub(rec.End) > recentLag
		s.end = rec.End
	}
	r.list = append(r.list, a)
	r.bytes += len(raw)
}

// AddTo adds the traffic of the last minute to t, and sets t.Span. It returns the number of
// nodes that sent windows in that time which are too old to count.
func (r *Recent) AddTo(t *Table) (behind int) {
	t.Span = min(max(r.now-r.since, leastSpan), recentTime).Truncate(time.Second)
	for _, s := range r.nodes {
		if r.now < s.behind {
			behind++
		}
	}
	for _, a := range r.list {
		part := a.part(t.Span)
		if part == 0 {
			continue
		}
		var rec records.Record
		if rec.UnmarshalJSON(a.raw) != nil {
			continue
		}
		if part < 1 {
			scale(&rec, part)
		}
		t.Add(&rec)
	}
	return behind
}

// part returns the part of a window that is in the last span of its node, from 0 to 1.
func (a *arrival) part(span time.Duration) float64 {
	from := a.from.end.Add(-span)
	switch {
	case a.end.IsZero() || !a.start.Before(from):
		return 1
	case !a.end.After(from):
		return 0
	}
	return a.end.Sub(from).Seconds() / a.end.Sub(a.start).Seconds()
}

// scale multiplies all counts by part, which is less than 1. It rounds up, so that no flow
// becomes empty.
func scale(rec *records.Record, part float64) {
	for _, class := range Classes() {
		flows := class.Traffic(&rec.Message)
		for i := range flows {
			c := &flows[i].Counts
			for _, n := range []*uint64{&c.TxPackets, &c.TxBytes, &c.RxPackets, &c.RxBytes} {
				*n = uint64(math.Ceil(float64(*n) * part))
			}
		}
	}
}
