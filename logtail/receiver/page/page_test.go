package page

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// nodeID returns the public ID of a node.
func nodeID(node int) string { return strings.Repeat(fmt.Sprintf("%02x", node), 32) }

// entry returns a stored entry of a node that ends at a time. members are added to it.
func entry(node, seq int, end time.Time, members string) []byte {
	return fmt.Appendf(nil, `{"logtail":{"id":%q,"client_time":%q,"server_time":%q,"proc_id":%d,"proc_seq":%d},"start":%q,"end":%q,%s}`,
		nodeID(node), end.Format(time.RFC3339Nano), end.Add(time.Second).Format(time.RFC3339Nano), node, seq,
		end.Add(-5*time.Second).Format(time.RFC3339Nano), end.Format(time.RFC3339Nano), members)
}

// flow returns a flow from a node to another, by their numbers.
func flowJSON(from, to, port, tx, rx int) string {
	return fmt.Sprintf(`{"proto":6,"src":"100.64.0.%d:40000","dst":"100.64.0.%d:%d","txPkts":2,"txBytes":%d,"rxPkts":3,"rxBytes":%d}`, from, to, port, tx, rx)
}

// reverse returns the same flow as the other end reports it.
func reverseJSON(from, to, port, tx, rx int) string {
	return fmt.Sprintf(`{"proto":6,"src":"100.64.0.%d:%d","dst":"100.64.0.%d:40000","txPkts":3,"txBytes":%d,"rxPkts":2,"rxBytes":%d}`, to, port, from, rx, tx)
}

// get gets data.json with a query.
func get(c *qt.C, p *Page, query string) (a answer) {
	c.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "http://localhost/data.json?"+query, nil)
	p.ServeHTTP(w, r)
	c.Assert(w.Code, qt.Equals, http.StatusOK, qt.Commentf("%s", w.Body))
	c.Assert(json.Unmarshal(w.Body.Bytes(), &a), qt.IsNil)
	return a
}

// newTestPage returns a Page in a bubble.
func newTestPage(t *testing.T, opts Options) *Page {
	p := New(opts)
	t.Cleanup(p.Close)
	synctest.Wait()
	return p
}

// traffic returns entries of several nodes in the last half hour: flows of all classes, with two ends,
// with a hub, and with states.
func traffic(now time.Time) (entries [][]byte) {
	for seq := range 180 {
		end := now.Add(time.Duration(seq-180) * 10 * time.Second)
		syn := fmt.Sprintf(`{"proto":6,"src":"100.64.0.1:%d","dst":"100.64.0.3:25","txPkts":1,"txBytes":60,"txFlags":2}`, 50000+seq)
		refused := strings.Replace(syn, `"txFlags":2`, `"txFlags":2,"rxPkts":1,"rxBytes":40,"rxFlags":20`, 1)
		refused = strings.Replace(refused, ":25", ":26", 1)
		entries = append(entries,
			entry(1, seq+1, end, `"virtualTraffic":[`+flowJSON(1, 2, 80, 100+seq, 2000*seq)+`,`+flowJSON(1, 3, 22, 10, 20)+`,`+syn+`,`+refused+`],`+
				`"exitTraffic":[{"txPkts":1,"txBytes":5000}],"physicalTraffic":[{"src":"100.64.0.2:0","dst":"192.0.2.7:41641","txPkts":2,"txBytes":300}]`),
			entry(2, seq+1, end.Add(time.Second), `"virtualTraffic":[`+reverseJSON(1, 2, 80, 90+seq, 2100*seq)+`],`+
				`"subnetTraffic":[{"proto":17,"src":"192.168.7.9:53","dst":"100.64.0.1:5353","txPkts":1,"txBytes":120,"rxPkts":1,"rxBytes":60}],`+
				`"deniedTraffic":[{"proto":6,"src":"100.64.0.2:23","dst":"100.64.0.9:999","rxPkts":1,"rxBytes":40,"rxFlags":2}]`),
			entry(4, seq+1, end, `"virtualTraffic":[`+flowJSON(1, 3, 22, 9, 19)+`,`+reverseJSON(1, 3, 22, 9, 19)+`]`), // a hub
		)
	}
	return entries
}

// TestAnswerAsTable checks that the sums, the flows and the series are those of the table of netlog fmt.
func TestAnswerAsTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		p := newTestPage(t, Options{})
		var table flowtable.Table
		entries := traffic(time.Now())
		for _, e := range entries {
			var r records.Record
			c.Assert(r.UnmarshalJSON(e), qt.IsNil)
			table.Add(&r)
		}
		p.Add(entries)
		p.Add(entries) // delivered twice
		synctest.Wait()
		check := func() {
			a := get(c, p, "range=1h&limit=2000")
			want := make(map[string]int)
			sums := make(map[string]uint64)
			for _, r := range table.Rows() {
				row := fmt.Sprintf("%s %v %v %v %d %d %d %d", r.Class, r.Src.Addr(), r.Dst.Addr(), r.State(), r.TxBytes, r.RxBytes, r.TxPackets, r.RxPackets)
				want[row]++
				sums[r.Class.String()] += r.Bytes()
			}
			c.Assert(a.Matched > 300, qt.IsTrue)
			for _, f := range a.Flows {
				addr := func(s string) string {
					if s == "" {
						return "invalid IP"
					}
					return s
				}
				want[fmt.Sprintf("%s %s %s %s %d %d %d %d", f.Class, addr(f.Src.Addr), addr(f.Dst.Addr), f.State, f.TxBytes, f.RxBytes, f.TxPkts, f.RxPkts)]--
			}
			for row, n := range want {
				c.Check(n, qt.Equals, 0, qt.Commentf("%s", row))
			}
			for _, s := range a.Classes {
				total := uint64(0)
				for _, n := range s.Series {
					total += n
				}
				c.Check(s.Bytes, qt.Equals, sums[s.Class])
				c.Check(total, qt.Equals, sums[s.Class], qt.Commentf("%s", s.Class))
			}
		}
		check()
		p.store.widen(stepOf(time.Now()))
		p.cached = nil
		check()
		// Flows that do not fit are still in the sums.
		before := get(c, p, "range=1h")
		p.store.fold(stepOf(time.Now()))
		p.store.fold(stepOf(time.Now()))
		p.cached = nil
		after := get(c, p, "range=1h")
		c.Check(after.Matched < before.Matched, qt.IsTrue)
		for i := range before.Classes {
			c.Check(after.Classes[i].Bytes, qt.Equals, before.Classes[i].Bytes)
			c.Check(after.Classes[i].Series, qt.DeepEquals, before.Classes[i].Series)
		}
		c.Check(after.Flows[0], qt.Equals, before.Flows[0], qt.Commentf("the largest stay exact"))
	})
}

func TestAnswerNodesAndNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		p := newTestPage(t, Options{Name: func(id string) string { return map[string]string{nodeID(1): "web"}[id] }})
		now := time.Now()
		p.Add(traffic(now))
		p.Add([][]byte{
			entry(2, 185, now, `"droppedEntries":7,"text":"7 entries were dropped"`),
			entry(5, 1, now.Add(3*time.Minute), `"nodeId":"\u202edb"`),
			entry(6, 1, now, `"srcNode":{"name":"\u202edb"}`),
		})
		synctest.Wait()
		a := get(c, p, "range=1h&limit=2000")
		nodes := make(map[string]nodeSum)
		for _, n := range a.Nodes {
			nodes[n.ID] = n
		}
		two := nodeID(2)
		c.Check(nodes[nodeID(1)].Name, qt.Equals, "web")
		c.Check(nodes[two].Name, qt.Equals, two[:12])
		c.Check(nodes[two].Gaps, qt.Equals, int64(4))
		c.Check(nodes[two].Dropped, qt.Equals, uint64(7))
		c.Check(nodes[two].Seen, qt.Equals, now.Add(time.Second).UnixMilli())
		c.Check(nodes[nodeID(5)].Name, qt.Equals, `\u202edb 0505`)
		c.Check(nodes[nodeID(6)].Name, qt.Equals, `\u202edb 0606`)
		c.Check(a.Flows[0].Dst, qt.Equals, side{Name: "web", ID: nodeID(1), Addr: "100.64.0.1", Port: 40000})
		c.Check(a.Matrix.Nodes[0], qt.Equals, "web")
		var sent uint64
		for _, f := range a.Flows {
			if f.Src.Name == "web" && f.Class != "physical" && f.Class != "denied" {
				sent += f.TxBytes
			} else if f.Dst.Name == "web" {
				sent += f.RxBytes
			}
		}
		c.Check(nodes[nodeID(1)].TxBytes, qt.Equals, sent)
	})
}

func TestAnswerFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		p := newTestPage(t, Options{Name: func(id string) string { return map[string]string{nodeID(1): "web", nodeID(2): "db"}[id] }})
		p.Add(traffic(time.Now()))
		synctest.Wait()
		for query, want := range map[string]int{
			"":                                88*2 + 6, // 15 minutes
			"range=1h":                        180*2 + 6,
			"range=5m&state=unanswered":       28,
			"range=1h&state=denied":           1,
			"range=1h&state=refused,denied":   181,
			"range=1h&class=exit":             1,
			"range=1h&class=subnet,exit":      2,
			"range=1h&port=80":                1,
			"range=1h&port=25":                180,
			"range=1h&node=web":               364,
			"range=1h&node=WEB&node=db":       1,
			"range=1h&node=100.64.0.2":        3,
			"range=1h&node=192.168.0.0/16":    1,
			"node=::ffff:192.168.0.0/112":     1,
			"range=1h&q=UDP+5353":             1,
			"range=1h&q=web+db":               1,
			"range=1h&node=" + nodeID(1)[:10]: 364,
			"range=1h&q=nothing":              0,
			"range=1h&class=&node=&port=&q=":  366,
		} {
			c.Check(get(c, p, query).Matched, qt.Equals, want, qt.Commentf("%s", query))
		}
		a := get(c, p, "range=1h&class=virtual&sort=-sent&limit=3")
		c.Assert(a.Flows, qt.HasLen, 3)
		c.Check(a.Flows[0].TxBytes, qt.Equals, uint64(60))
		a = get(c, p, "range=1h&sort=sent")
		c.Check(a.Flows[0].TxBytes > a.Flows[1].TxBytes, qt.IsTrue)
		c.Check(a.Flows[1].Class, qt.Equals, "exit")
		for _, bad := range []string{"range=2h", "class=x", "state=x", "port=70000", "sort=x", "limit=0", "limit=2001", "x=y", "q=" + strings.Repeat("a", 2100)} {
			w := httptest.NewRecorder()
			p.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/data.json?"+bad, nil))
			c.Check(w.Code, qt.Equals, http.StatusBadRequest, qt.Commentf("%s", bad))
		}
	})
}

// TestAnswerForgets checks that what is older than an hour goes, with its memory.
func TestAnswerForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		p := newTestPage(t, Options{})
		p.Add(traffic(time.Now()))
		synctest.Wait()
		time.Sleep(31 * time.Minute)
		c.Check(get(c, p, "range=1h").Matched < 366, qt.IsTrue)
		c.Check(get(c, p, "range=15m").Matched, qt.Equals, 0)
		time.Sleep(31 * time.Minute)
		synctest.Wait()
		c.Check(p.store.flows, qt.HasLen, 0)
		c.Check(p.store.reports, qt.Equals, 0)
		c.Check(p.store.bytes, qt.Equals, 0)
		c.Check(get(c, p, "").Nodes, qt.HasLen, 3)
		// Old and future windows.
		p.Add([][]byte{
			entry(9, 1, time.Now().Add(-61*time.Minute), `"virtualTraffic":[`+flowJSON(1, 2, 80, 1, 1)+`]`),
		})
		future := strings.ReplaceAll(string(entry(8, 1, time.Now(), `"virtualTraffic":[`+flowJSON(8, 2, 80, 1, 1)+`]`)), `"end":"2000`, `"end":"2077`)
		p.Add([][]byte{[]byte(future)})
		synctest.Wait()
		c.Check(get(c, p, "range=5m").Matched, qt.Equals, 1)
	})
}

// TestFill checks that the last hour of the files is there after a start, and nothing twice.
func TestFill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dir := t.TempDir()
		now := time.Now()
		entries := traffic(now)
		var text strings.Builder
		text.WriteString("not JSON\n")
		for _, e := range entries {
			text.WriteString(string(e) + "\n")
		}
		text.WriteString(string(entry(7, 1, now.Add(time.Hour), `"virtualTraffic":[]`)) + "\n") // of after the start
		c.Assert(os.MkdirAll(filepath.Join(dir, "netlog"), 0o700), qt.IsNil)
		name := filepath.Join(dir, "netlog", "2026-11-23.0001.ndjson")
		c.Assert(os.WriteFile(name, []byte(text.String()), 0o600), qt.IsNil)
		c.Assert(os.Chtimes(name, now, now), qt.IsNil)
		old := filepath.Join(dir, "netlog", "2026-11-22.0001.ndjson")
		c.Assert(os.WriteFile(old, []byte("not read"), 0o600), qt.IsNil)
		c.Assert(os.Chtimes(old, now, now.Add(-2*time.Hour)), qt.IsNil)

		time.Sleep(2 * time.Second) // the entries were stored before the start
		p := newTestPage(t, Options{Dir: dir})
		a := get(c, p, "range=1h")
		c.Check(a.Matched, qt.Equals, 366)
		c.Check(a.Nodes, qt.HasLen, 3)
		c.Check(a.Notes.Filling, qt.IsFalse)
		c.Check(a.Notes.Problems, qt.HasLen, 1)
		c.Check(a.Notes.Problems[0], qt.Contains, "2026-11-23.0001.ndjson:1")
	})
}

// TestNameUnlocked checks that Options.Name may use the page.
func TestNameUnlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var p *Page
		p = newTestPage(t, Options{Name: func(string) string {
			p.Add(nil)
			p.mu.Lock()
			defer p.mu.Unlock()
			return "given"
		}})
		p.Add([][]byte{entry(1, 1, time.Now(), `"virtualTraffic":[]`)})
		synctest.Wait()
		c.Check(get(c, p, "").Nodes[0].Name, qt.Equals, "given")
	})
}

// TestLongWindowsDivided checks that a minute is not shown as ten seconds.
func TestLongWindowsDivided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		p := newTestPage(t, Options{})
		now := time.Now().Truncate(10 * time.Second)
		long := strings.Replace(string(entry(1, 1, now, `"virtualTraffic":[`+flowJSON(1, 2, 80, 100, 503)+`]`)),
			now.Add(-5*time.Second).Format(time.RFC3339Nano), now.Add(-time.Minute).Format(time.RFC3339Nano), 1)
		ages := strings.NewReplacer("proc_seq\":1", "proc_seq\":2", now.Format(time.RFC3339Nano), "2099-01-01T00:00:00Z")
		p.Add([][]byte{[]byte(long), []byte(ages.Replace(long))}) // the second claims to last for years
		synctest.Wait()
		a := get(c, p, "range=5m")
		c.Check(a.Classes[0].Bytes, qt.Equals, uint64(2*603))
		busy := slices.DeleteFunc(a.Classes[0].Series, func(n uint64) bool { return n == 0 })
		c.Check(len(busy) >= 6, qt.IsTrue, qt.Commentf("%v", busy))
		c.Check(slices.Max(busy) <= 2*101, qt.IsTrue, qt.Commentf("%v", busy))
	})
}

// TestStateNeedsOrder checks that windows out of order, from which nothing can be told, give no state.
func TestStateNeedsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		p := newTestPage(t, Options{})
		syn := `"virtualTraffic":[{"proto":6,"src":"100.64.0.1:5000","dst":"100.64.0.2:25","txPkts":1,"txBytes":60,"txFlags":2}]`
		for seq, ago := range []time.Duration{time.Minute, 0, 2 * time.Minute} {
			p.Add([][]byte{entry(1, seq+1, time.Now().Add(-ago), syn)})
			synctest.Wait()
			want := "unanswered"
			if ago == 2*time.Minute {
				want = "unknown"
			}
			p.renew()
			c.Check(get(c, p, "").Flows[0].State, qt.Equals, want)
		}
	})
}

// TestSumsSaturate: the sum of large numbers is not a small one, of the dropped entries of a node, and of the bytes of a
// flow, which would then be folded first.
func TestSumsSaturate(t *testing.T) {
	c := qt.New(t)
	s := newStore()
	now := time.Unix(1e9, 0)
	for i := range 4 {
		rec := &records.Record{}
		rec.NodeID, rec.Start, rec.End, rec.DroppedEntries = "n", now, now, math.MaxUint64
		bytes := uint64(1000)
		if i == 0 {
			bytes = 1 << 63
		}
		rec.VirtualTraffic = []record.ConnectionCounts{{
			Tuple:  flowtrack.Tuple{Src: netip.AddrPortFrom(netip.IPv6LinkLocalAllNodes(), uint16(i+1)), Dst: netip.MustParseAddrPort("10.0.0.1:1")},
			Counts: tunstats.Counts{TxBytes: bytes, RxBytes: bytes},
		}}
		s.add(rec, now)
	}
	c.Check(s.nodes.list[0].dropped, qt.Equals, uint64(math.MaxUint64))
	s.fold(stepOf(now))
	c.Check(s.flows, qt.HasLen, 3)
	c.Check(s.others[flowtable.Virtual][stepOf(now)].TxBytes, qt.Equals, uint64(1000))
}
