package doubleentry

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/meshtest"
)

// TestCheckFindsManipulation changes the records of a node so that they escape the
// comparison.
func TestCheckFindsManipulation(t *testing.T) {
	for _, test := range []struct {
		name string
		want string // kind of a finding
		lie  func(b *meshtest.Node)
	}{
		{"a process of its own for every record", "mostly unchecked", meshtest.EachLine(func(i int, rec map[string]any) {
			meshtest.Meta(rec)["proc_id"], meshtest.Meta(rec)["proc_seq"] = 5000+i, 1
		})},
		{"one client time that puts the clock off by a day", "mostly unchecked", meshtest.EachLine(func(i int, rec map[string]any) {
			if i == 3 {
				meshtest.Meta(rec)["client_time"] = meshtest.Start.Add(24 * time.Hour).Format(time.RFC3339Nano)
			}
		})},
		{"most records left out, and the rest numbered again", "mostly unchecked", func(b *meshtest.Node) {
			b.Lines = b.Lines[8:]
			meshtest.EachLine(func(i int, rec map[string]any) { meshtest.Meta(rec)["proc_seq"] = i + 1 })(b)
		}},
		{"records of the year 0", "mostly unchecked", meshtest.EachLine(func(i int, rec map[string]any) {
			rec["start"], rec["end"] = "0000-01-01T00:00:00Z", "0000-01-01T00:00:05Z"
		})},
		{"records without a time", "no window", meshtest.EachLine(func(i int, rec map[string]any) { delete(rec, "start") })},
		{"windows that end before they begin", "no window", meshtest.EachLine(func(i int, rec map[string]any) {
			rec["start"], rec["end"] = rec["end"], rec["start"]
		})},
		{"a count past 2^63", "received less than sent", func(b *meshtest.Node) {
			b.Lines[3] = meshtest.SetCount(b.Lines[3], "txPkts", math.MaxUint64)
		}},
		{"bytes past 2^63", "bytes differ", func(b *meshtest.Node) {
			b.Lines[3] = meshtest.SetCount(b.Lines[3], "txBytes", math.MaxUint64)
		}},
		{"a nodeId that is the public ID of another", "disagreeing claim", meshtest.EachLine(func(i int, rec map[string]any) {
			rec["nodeId"] = strings.Repeat("ab", 32)
		})},
		{"another nodeId from some time on", "disagreeing claim", meshtest.EachLine(func(i int, rec map[string]any) {
			if i > 5 {
				rec["nodeId"] = "c"
			}
		})},
		{"one nodeId for two IDs, stored from the last record to the first", "disagreeing claim", func(b *meshtest.Node) {
			slices.Reverse(b.Lines)
			b.Lines = append(b.Lines, meshtest.Edit(b.Lines[len(b.Lines)-1], func(rec map[string]any) {
				meshtest.Meta(rec)["id"] = strings.Repeat("ab", 32)
				delete(rec, "virtualTraffic")
			}))
		}},
		{"its own flows once more, under another ID", "disagreeing claim", func(b *meshtest.Node) {
			for _, l := range slices.Clone(b.Lines) {
				b.Lines = append(b.Lines, meshtest.Edit(l, func(rec map[string]any) { meshtest.Meta(rec)["id"], rec["nodeId"] = strings.Repeat("ab", 32), "c" }))
			}
		}},
		{"a number used again, of which only the second is here", "sequence number used twice", meshtest.EachLine(func(i int, rec map[string]any) {
			if i == 0 {
				meshtest.Meta(rec)["conflict"] = true
			}
		})},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := meshtest.Finished(meshtest.TwoNodes())
			test.lie(m.Node("b"))
			b := verifyLines(t, m)
			qt.Check(t, has(b, test.want), qt.IsTrue, qt.Commentf("%v", b.Findings))
		})
	}
}

// TestCheckNoFalseFindings has honest records in unusual situations.
func TestCheckNoFalseFindings(t *testing.T) {
	for _, test := range []struct {
		name  string
		build func() *meshtest.Mesh
	}{
		{"a collector that was killed stores a batch again", func() *meshtest.Mesh {
			m := meshtest.Finished(meshtest.TwoNodes())
			b := m.Node("b")
			b.Lines = append(b.Lines, strings.Replace(b.Lines[2], `"server_time":"2026`, `"server_time":"2027`, 1))
			return m
		}},
		{"records are stored from the last to the first", func() *meshtest.Mesh {
			m := meshtest.Finished(meshtest.TwoNodes())
			slices.Reverse(m.Node("b").Lines)
			return m
		}},
		{"two routers of one subnet share a flow", func() *meshtest.Mesh {
			m := meshtest.New("r1", "r2", "client")
			m.Flow(":40000", "192.168.1.10:80", "client", "r1")
			m.Flow(":40000", "192.168.1.10:80", "client", "r2")
			return meshtest.Finished(m)
		}},
		{"of two routers one begins to count in the middle of a window", func() *meshtest.Mesh {
			m := meshtest.New("r1", "r2", "client")
			m.Flow(":40000", "192.168.1.10:80", "client", "r1")
			late := m.Flow(":40000", "192.168.1.10:80", "client", "r2")
			late.Rate, late.From = 40, 21500*time.Millisecond
			m.Node("r2").Phase = 25 * time.Second
			return meshtest.Finished(m)
		}},
		{"a node that is away is sent to all the time", func() *meshtest.Mesh {
			m := meshtest.New("a", "b")
			f := m.Flow(":40000", ":443", "a", "b")
			f.Rate = 0 // packets are sent one by one
			b := m.Node("b")
			b.Phase = time.Hour
			for i := range 220 {
				if i == 200 {
					b.Start(m.Now)
				}
				m.Send(f, 100, false)
				if b.Up {
					m.Send(f, 100, true)
				}
				m.Run(time.Second)
			}
			m.Finish()
			return m
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			qt.Check(t, verifyLines(t, test.build()).Findings, qt.HasLen, 0)
		})
	}
}

func TestCheckNotesMissingNumbers(t *testing.T) {
	m := meshtest.Finished(meshtest.TwoNodes())
	meshtest.EachLine(func(_ int, rec map[string]any) {
		delete(meshtest.Meta(rec), "proc_id")
		delete(meshtest.Meta(rec), "proc_seq")
	})(m.Node("b"))
	b := verifyLines(t, m)
	qt.Check(t, b.Findings, qt.HasLen, 0)
	qt.Check(t, strings.Join(b.Notes, "\n"), qt.Contains, "12 records of node")
}

func TestCheckUnreadableBounded(t *testing.T) {
	junk := meshtest.New("a")
	junk.Node("a").Lines = append(meshtest.Finished(meshtest.TwoNodes()).Node("a").Lines, strings.Repeat("x}\n", 5*maxUnreadable))
	b := verifyLines(t, junk)
	qt.Check(t, b.Findings, qt.HasLen, maxUnreadable)
	qt.Check(t, fmt.Sprint(b.Notes), qt.Contains, "400 more places cannot be read")
}

// TestSpansOfManyProcesses has unsorted and overlapping spans. The result must be sorted
// and disjoint.
func TestSpansOfManyProcesses(t *testing.T) {
	spanOf := func(at time.Time, from, to time.Duration) span {
		return span{window: window{at.Add(from * time.Second), at.Add(to * time.Second)}}
	}
	var n times
	for i := range 1000 {
		at := meshtest.Start.Add(time.Duration(i*i%1000) * 10 * time.Second)
		n.spans = append(n.spans, spanOf(at, 0, 6), spanOf(at, 3, 8), spanOf(at, 1, 2))
	}
	n.spans = joined(n.spans)
	for i, s := range n.spans {
		qt.Assert(t, s.end.Sub(s.start), qt.Equals, 8*time.Second)
		qt.Assert(t, i == 0 || n.spans[i-1].end.Before(s.start), qt.IsTrue)
		qt.Check(t, n.countedPart(window{s.start.Add(-time.Second), s.start.Add(1)}), qt.IsTrue)
		qt.Check(t, n.countedPart(window{s.start.Add(-time.Second), s.start}), qt.IsFalse)
	}
}
