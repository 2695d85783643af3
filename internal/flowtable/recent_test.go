package flowtable_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/flowtable"
)

const (
	day    = 24 * time.Hour
	year   = 365 * day
	window = 5 * time.Second
)

// clock returns the time of day at a moment of a test, which begins at [start].
type clock func(now time.Duration) time.Time

// off returns a clock that differs from the right one by d.
func off(d time.Duration) clock {
	return func(now time.Duration) time.Time { return start.Add(now + d) }
}

// step returns a clock that is right, and is set by d at a moment.
func step(at, d time.Duration) clock {
	return func(now time.Duration) time.Time {
		if now < at {
			return start.Add(now)
		}
		return start.Add(now + d)
	}
}

// sent is an entry that arrives at a moment.
type sent struct {
	at  time.Duration
	raw []byte
}

// record100 returns an entry with 100 kB for each second of a window, which ends at end.
func record100(node string, end time.Time, length time.Duration) []byte {
	return fmt.Appendf(nil, `{"nodeId":%q,"start":%q,"end":%q,"exitTraffic":[{"txPkts":%d,"txBytes":%d}]}`, node,
		end.Add(-length).Format(time.RFC3339Nano), end.Format(time.RFC3339Nano), int(length.Seconds()), int(length.Seconds()*1e5))
}

// live returns the windows of a node from one moment to another. Each arrives 300 ms after
// its end.
func live(node string, from, to, length time.Duration, c clock) (list []sent) {
	for end := from; end <= to; end += length {
		list = append(list, sent{end + 300*time.Millisecond, record100(node, c(end), length)})
	}
	return list
}

// view is what a table of current traffic has.
type view struct {
	now    time.Duration
	rate   map[string]float64 // kB/s by node
	behind int
	table  flowtable.Table
}

// watch calls check every half a second with the view of entries.
func watch(r *flowtable.Recent, entries []sent, to time.Duration, wall clock, check func(v view)) {
	slices.SortStableFunc(entries, func(a, b sent) int { return cmp.Compare(a.at, b.at) })
	r.MaxBytes = cmp.Or(r.MaxBytes, 4<<20)
	for now := time.Duration(0); now <= to; now += 500 * time.Millisecond {
		var raw [][]byte
		for len(entries) > 0 && entries[0].at <= now {
			raw, entries = append(raw, entries[0].raw), entries[1:]
		}
		r.Update(raw, now, wall(now))
		v := view{now: now, rate: make(map[string]float64)}
		v.behind = r.AddTo(&v.table)
		for _, row := range v.table.Rows() {
			v.rate[row.Reporter] += float64(row.TxBytes) / v.table.Span.Seconds() / 1000
		}
		check(v)
	}
}

// checkRate checks the rate of a node that had 100 kB/s since before the test.
func checkRate(t *testing.T, v view, node string) {
	t.Helper()
	least := 99.0
	switch {
	case v.now < 6*time.Second:
		least = 0 // not all nodes have sent a window
	case v.now <= time.Minute:
		least = 80 // a window may be missing
	}
	checkBetween(t, v, node, least, 101)
}

// checkBetween checks that a node has a rate from least to most.
func checkBetween(t *testing.T, v view, node string, least, most float64) {
	t.Helper()
	rate := v.rate[node]
	qt.Assert(t, least <= rate && rate <= most, qt.IsTrue, qt.Commentf("%s has %.2f kB/s after %v, want %v to %v", node, rate, v.now, least, most))
}

// steps returns differences of a clock.
func steps() (list []time.Duration) {
	for _, d := range []time.Duration{time.Minute, 2 * time.Hour, day, year, 200 * year} {
		list = append(list, d, -d)
	}
	return list
}

// TestRecentOneBadClock checks that a node with a wrong clock changes no rates, nor does it
// have a wrong rate.
func TestRecentOneBadClock(t *testing.T) {
	for _, d := range steps() {
		t.Run(d.String(), func(t *testing.T) {
			var r flowtable.Recent
			entries := slices.Concat(live("A", 0, 2*time.Minute, window, off(0)), live("bad", time.Second, 2*time.Minute, window, off(d)))
			watch(&r, entries, 2*time.Minute, off(0), func(v view) {
				checkRate(t, v, "A")
				checkRate(t, v, "bad")
				qt.Assert(t, v.behind, qt.Equals, 0)
			})
		})
	}
}

// TestRecentClockSteps checks the rates after the clock of the receiver, or that of a node,
// was set.
func TestRecentClockSteps(t *testing.T) {
	const set, end = 65 * time.Second, 150 * time.Second
	for _, d := range steps() {
		t.Run("receiver "+d.String(), func(t *testing.T) {
			var r flowtable.Recent
			watch(&r, live("A", 0, end, window, off(0)), end, step(set, d), func(v view) { checkRate(t, v, "A") })
		})
		t.Run("node "+d.String(), func(t *testing.T) {
			var r flowtable.Recent
			entries := slices.Concat(live("A", 0, end, window, off(0)), live("B", 0, end, window, step(set, d)))
			watch(&r, entries, end, off(0), func(v view) {
				checkRate(t, v, "A")
				switch {
				case v.now <= set || v.now > set+time.Minute:
					checkRate(t, v, "B")
				case d > 0: // what came before the step looks old
					checkBetween(t, v, "B", (v.now-set-window).Seconds()/60*100, 101)
				default: // one window too many
					checkBetween(t, v, "B", 99, 109)
				}
			})
		})
	}
}

// TestRecentBacklog has a node deliver two hours of windows in three seconds.
func TestRecentBacklog(t *testing.T) {
	const begin, end = time.Minute, 200 * time.Second
	for _, test := range []struct {
		name  string
		off   time.Duration // of the clock of the node
		live  bool          // the node has traffic afterwards
		until time.Duration // when it is shown
	}{
		{"then live", 0, true, begin + 3*time.Second},
		{"then idle", 0, false, end + time.Second},
		{"then live, a day behind", -day, true, begin + time.Minute + 3*time.Second},
		{"then live, a day ahead", day, true, begin + time.Second/2},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r flowtable.Recent
			entries := live("A", 0, end, window, off(0))
			for i := range 1441 {
				ended := begin - 2*time.Hour + time.Duration(i)*window
				if !test.live {
					ended -= 10 * time.Minute
				}
				entries = append(entries, sent{begin + time.Duration(i+1)*2*time.Millisecond, record100("B", off(test.off)(ended), window)})
			}
			if test.live {
				entries = append(entries, live("B", begin+window, end, window, off(test.off))...)
			}
			watch(&r, entries, end, off(0), func(v view) {
				checkRate(t, v, "A")
				shown := (v.now - test.until - window).Seconds()
				switch {
				case v.now < test.until:
					checkBetween(t, v, "B", 0, 0)
				case test.off == -day: // nothing from before counts
					checkBetween(t, v, "B", min(99, shown/60*100), 101)
				default:
					checkBetween(t, v, "B", 99, 101)
				}
				if v.now < begin || v.now > begin+time.Minute+3*time.Second {
					qt.Assert(t, v.behind, qt.Equals, 0)
				} else if v.now > begin+time.Second && v.now < begin+time.Minute {
					qt.Assert(t, v.behind, qt.Equals, 1)
				}
			})
		})
	}
}

// TestRecentWindows checks rates for windows of all lengths, and those that arrive in batches.
func TestRecentWindows(t *testing.T) {
	const end = 7 * time.Minute
	for _, test := range []struct {
		length, batch time.Duration
		off           time.Duration
		least         float64 // after a minute
	}{
		{length: time.Second / 2, least: 99},
		{length: time.Second, least: 99},
		{length: 7 * time.Second, least: 93}, // 8 or 9 of them arrive in a minute
		{length: time.Minute, least: 99},
		{length: 5 * time.Minute, least: 0}, // for 4 minutes, nothing arrives
		{length: 48 * time.Hour, least: 0},
		{length: window, batch: time.Minute, least: 99},
		{length: window, batch: 55 * time.Second, off: -day, least: 90},
		{length: window, batch: 5 * time.Minute, least: 0},
	} {
		t.Run(fmt.Sprint(test.length, test.batch), func(t *testing.T) {
			var r flowtable.Recent
			entries := live("A", 0, end, test.length, off(test.off))
			for i := range entries {
				if test.batch > 0 {
					entries[i].at = (entries[i].at + test.batch - 1).Truncate(test.batch)
				}
			}
			highest := 0.0
			watch(&r, entries, end, off(0), func(v view) {
				least := test.least
				if v.now <= 65*time.Second {
					least = 0
				}
				checkBetween(t, v, "A", least, 101)
				highest = max(highest, v.rate["A"])
				qt.Assert(t, v.behind == 0 || test.batch > time.Minute, qt.IsTrue)
			})
			qt.Check(t, highest >= 99, qt.IsTrue)
		})
	}
}

// TestRecentPrint checks the table of a window that is much longer than a minute.
func TestRecentPrint(t *testing.T) {
	r := flowtable.Recent{MaxBytes: 1000}
	const raw = `{"nodeId":"A","start":"2026-11-22T10:00:00Z","end":"2026-11-23T10:00:00Z","exitTraffic":[{"txPkts":1,"txBytes":17280000,"rxPkts":17280}]}`
	r.Update([][]byte{[]byte(raw), []byte("{"), nil}, 10*time.Second, start)
	var tab flowtable.Table
	qt.Check(t, r.AddTo(&tab), qt.Equals, 0)
	var out strings.Builder
	qt.Assert(t, tab.Print(&out, 0), qt.IsNil)
	qt.Check(t, out.String(), qt.Equals, `class proto source destination tx p/s tx B/s rx p/s rx B/s
exit  -     A      (exit)        0.10    200   0.20      0
exit total, 1 flow, 2.00kB       0.10    200   0.20      0
1 record, 1 node, 1 entry
rates over the last 10 seconds
`)
}

// TestRecentMaxBytes checks that rates are over a shorter time if not all records of a minute
// fit.
func TestRecentMaxBytes(t *testing.T) {
	size := len(record100("A", start, window))
	for _, test := range []struct {
		windows int // that fit
		span    time.Duration
	}{
		{2 * 20, time.Minute}, {2*4 + 1, 20 * time.Second}, {2 * 2, 10 * time.Second},
	} {
		r := flowtable.Recent{MaxBytes: test.windows * size}
		entries := slices.Concat(live("A", 0, 3*time.Minute, window, off(0)), live("B", 0, 3*time.Minute, window, off(2*time.Hour)))
		watch(&r, entries, 3*time.Minute, off(0), func(v view) {
			checkBetween(t, v, "A", min(70, v.now.Seconds()), 101)
			checkBetween(t, v, "B", min(70, v.now.Seconds()), 101)
			if v.now > 2*time.Minute {
				qt.Check(t, v.table.Span >= test.span-window && v.table.Span <= test.span+window, qt.IsTrue, qt.Commentf("%v, want %v", v.table.Span, test.span))
			}
		})
	}
}

// TestRecentForgets checks that a burst leaves no trace after a minute.
func TestRecentForgets(t *testing.T) {
	var r flowtable.Recent
	var entries []sent
	for i := range 100 {
		raw := record100(fmt.Sprint(i), start, window)
		r.MaxBytes += len(raw)
		entries = append(entries, sent{0, raw})
	}
	entries = append(entries, live("A", 2*time.Minute, 4*time.Minute, window, off(0))...)
	watch(&r, entries, 4*time.Minute, off(0), func(v view) {
		switch {
		case v.now < time.Minute:
			qt.Assert(t, r.Nodes(), qt.Equals, 100)
		case v.now < 2*time.Minute:
			qt.Assert(t, r.Nodes(), qt.Equals, 0)
		case v.now > 3*time.Minute:
			qt.Assert(t, r.Nodes(), qt.Equals, 1)
			checkBetween(t, v, "A", 99, 101)
		}
	})
}

// TestRecentWithoutTime checks that records without a window that can be count once, and that
// no times make it panic.
func TestRecentWithoutTime(t *testing.T) {
	var entries []sent
	times := []string{"", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-22T10:00:00Z"}
	for _, from := range times {
		for _, to := range times {
			raw := fmt.Appendf(nil, `{"nodeId":"%s to %[2]s","start":%[1]q,"end":%[2]q,"exitTraffic":[{"txPkts":18446744073709551615,"txBytes":18446744073709551615}]}`, from, to)
			entries = append(entries, sent{0, raw})
		}
	}
	entries = append(entries, sent{0, record100("A", start, window)})
	for _, window := range []string{"", `"end":"2026-11-22T10:00:00Z",`, `"start":"9999-01-01T00:00:00Z","end":"9998-01-01T00:00:00Z",`} {
		entries = append(entries, sent{0, []byte(`{"nodeId":"A",` + window + `"exitTraffic":[{"txBytes":5000}]}`)})
	}
	for _, d := range append(steps(), 0) {
		var r flowtable.Recent
		watch(&r, slices.Clone(entries), 2*time.Minute, off(d), func(v view) {
			if v.now >= time.Minute {
				qt.Assert(t, v.rate, qt.HasLen, 0)
				return
			}
			qt.Assert(t, v.rate, qt.HasLen, len(times)*len(times)+1)
			if v.now <= window {
				checkBetween(t, v, "A", 103, 103)
			}
		})
	}
}
