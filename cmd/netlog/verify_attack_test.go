package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// TestVerifyTellsWhatANodeMayTry has b change its own books in ways that would
// take them out of the comparison, rather than make them agree.
func TestVerifyTellsWhatANodeMayTry(t *testing.T) {
	for _, test := range []struct {
		name string
		want string // kind of a finding
		lie  func(b *meshNode)
	}{
		{"a process of its own for every record", "mostly unchecked", eachLine(func(i int, rec map[string]any) {
			meta(rec)["proc_id"], meta(rec)["proc_seq"] = 5000+i, 1
		})},
		{"one client time that puts the clock off by a day", "mostly unchecked", eachLine(func(i int, rec map[string]any) {
			if i == 3 {
				meta(rec)["client_time"] = meshStart.Add(24 * time.Hour).Format(time.RFC3339Nano)
			}
		})},
		{"most records left out, and the rest numbered again", "mostly unchecked", func(b *meshNode) {
			b.lines = b.lines[8:]
			eachLine(func(i int, rec map[string]any) { meta(rec)["proc_seq"] = i + 1 })(b)
		}},
		{"records of the year 0", "mostly unchecked", eachLine(func(i int, rec map[string]any) {
			rec["start"], rec["end"] = "0000-01-01T00:00:00Z", "0000-01-01T00:00:05Z"
		})},
		{"records without a time", "no window", eachLine(func(i int, rec map[string]any) { delete(rec, "start") })},
		{"windows that end before they begin", "no window", eachLine(func(i int, rec map[string]any) {
			rec["start"], rec["end"] = rec["end"], rec["start"]
		})},
		{"a count past 2^63", "received less than sent", func(b *meshNode) {
			b.lines[3] = setCount(b.lines[3], "txPkts", math.MaxUint64)
		}},
		{"bytes past 2^63", "bytes differ", func(b *meshNode) {
			b.lines[3] = setCount(b.lines[3], "txBytes", math.MaxUint64)
		}},
		{"a nodeId that is the public ID of another", "disagreeing claim", eachLine(func(i int, rec map[string]any) {
			rec["nodeId"] = strings.Repeat("ab", 32)
		})},
		{"another nodeId from some time on", "disagreeing claim", eachLine(func(i int, rec map[string]any) {
			if i > 5 {
				rec["nodeId"] = "c"
			}
		})},
		{"one nodeId for two IDs, stored from the last record to the first", "disagreeing claim", func(b *meshNode) {
			slices.Reverse(b.lines)
			b.lines = append(b.lines, edit(b.lines[len(b.lines)-1], func(rec map[string]any) {
				meta(rec)["id"] = strings.Repeat("ab", 32)
				delete(rec, "virtualTraffic")
			}))
		}},
		{"its own flows once more, under another ID", "disagreeing claim", func(b *meshNode) {
			for _, l := range slices.Clone(b.lines) {
				b.lines = append(b.lines, edit(l, func(rec map[string]any) { meta(rec)["id"], rec["nodeId"] = strings.Repeat("ab", 32), "c" }))
			}
		}},
		{"a number used again, of which only the second is here", "sequence number used twice", eachLine(func(i int, rec map[string]any) {
			if i == 0 {
				meta(rec)["conflict"] = true
			}
		})},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := finished(twoNodes())
			test.lie(m.node("b"))
			b := verifyLines(t, m)
			qt.Check(t, slices.ContainsFunc(b.findings, func(f finding) bool { return f.kind == test.want }), qt.IsTrue,
				qt.Commentf("%v", b.findings))
		})
	}
}

// TestVerifyDoesNotCryWolf has nothing wrong in the books, whatever happened.
func TestVerifyDoesNotCryWolf(t *testing.T) {
	for _, test := range []struct {
		name  string
		build func() *mesh
	}{
		{"a collector that was killed stores a batch again", func() *mesh {
			m := finished(twoNodes())
			b := m.node("b")
			b.lines = append(b.lines, strings.Replace(b.lines[2], `"server_time":"2026`, `"server_time":"2027`, 1))
			return m
		}},
		{"records are stored from the last to the first", func() *mesh {
			m := finished(twoNodes())
			slices.Reverse(m.node("b").lines)
			return m
		}},
		{"two routers of one subnet share a flow", func() *mesh {
			m := newMesh("r1", "r2", "client")
			m.flow(":40000", "192.168.1.10:80", "client", "r1")
			m.flow(":40000", "192.168.1.10:80", "client", "r2")
			return finished(m)
		}},
		{"of two routers one begins to count in the middle of a window", func() *mesh {
			m := newMesh("r1", "r2", "client")
			m.flow(":40000", "192.168.1.10:80", "client", "r1")
			late := m.flow(":40000", "192.168.1.10:80", "client", "r2")
			late.rate, late.from = 40, 21500*time.Millisecond
			m.node("r2").phase = 25 * time.Second
			return finished(m)
		}},
		{"a node that is away is sent to all the time", func() *mesh {
			m := newMesh("a", "b")
			f := m.flow(":40000", ":443", "a", "b")
			f.rate = 0 // packets are sent one by one
			b := m.node("b")
			b.phase = time.Hour
			for i := range 220 {
				if i == 200 {
					b.start(m.now)
				}
				m.send(f, 100, false)
				if b.up {
					m.send(f, 100, true)
				}
				m.run(time.Second)
			}
			m.finish()
			return m
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			qt.Check(t, verifyLines(t, test.build()).findings, qt.HasLen, 0)
		})
	}
}

func TestVerifyTellsWhereNothingIsNumbered(t *testing.T) {
	m := finished(twoNodes())
	eachLine(func(_ int, rec map[string]any) { delete(meta(rec), "proc_id"); delete(meta(rec), "proc_seq") })(m.node("b"))
	b := verifyLines(t, m)
	qt.Check(t, b.findings, qt.HasLen, 0)
	qt.Check(t, strings.Join(b.notes, "\n"), qt.Contains, "12 records of node")
}

func TestVerifyMemoryIsBounded(t *testing.T) {
	m := finished(twoNodes())
	for _, max := range []string{"4", "100"} { // two flows, from two sides, and what nodes call themselves
		code, _, errs := netlogCommand(t, "", "verify", "-max-flows", max, m.write(t))
		qt.Check(t, code == exitOK, qt.Equals, max == "100")
		qt.Check(t, strings.Contains(errs, "raise -max-flows"), qt.Equals, max == "4")
	}
	junk := newMesh("a")
	junk.node("a").lines = append(m.node("a").lines, strings.Repeat("x}\n", 5*maxSkipped))
	b := verifyLines(t, junk)
	qt.Check(t, b.findings, qt.HasLen, maxSkipped)
	qt.Check(t, b.skipped, qt.Equals, 5*maxSkipped)
}

// TestVerifyFindsSpansOfManyProcesses has spans out of order, over and inside one
// another: what is found by halves must be in order and apart.
func TestVerifyFindsSpansOfManyProcesses(t *testing.T) {
	n := &bookNode{}
	for i := range 1000 {
		at := meshStart.Add(time.Duration(i*i%1000) * 10 * time.Second)
		n.spans = append(n.spans, span{start: at, end: at.Add(6 * time.Second)}, span{start: at.Add(3 * time.Second), end: at.Add(8 * time.Second)},
			span{start: at.Add(time.Second), end: at.Add(2 * time.Second)})
	}
	n.spans = joined(n.spans)
	for i, s := range n.spans {
		qt.Assert(t, s.end.Sub(s.start), qt.Equals, 8*time.Second)
		qt.Assert(t, i == 0 || n.spans[i-1].end.Before(s.start), qt.IsTrue)
		qt.Check(t, n.within(span{start: s.start.Add(-time.Second), end: s.start.Add(1)}), qt.IsTrue)
		qt.Check(t, n.within(span{start: s.start.Add(-time.Second), end: s.start}), qt.IsFalse)
	}
}

func meta(rec map[string]any) map[string]any { return rec["logtail"].(map[string]any) }

// eachLine returns a lie that changes every line.
func eachLine(change func(i int, rec map[string]any)) func(*meshNode) {
	return func(n *meshNode) {
		for i, l := range n.lines {
			n.lines[i] = edit(l, func(rec map[string]any) { change(i, rec) })
		}
	}
}

// setCount sets a count of the first virtual flow.
func setCount(line, name string, n uint64) string {
	return edit(line, func(rec map[string]any) {
		rec["virtualTraffic"].([]any)[0].(map[string]any)[name] = json.Number(fmt.Sprint(n))
	})
}
