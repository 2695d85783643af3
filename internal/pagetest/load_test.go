package pagetest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
)

// loadEnv is the environment variable that runs the measurements. They only print times, since these depend on the
// machine.
const loadEnv = "NETLOG_PAGE"

func needLoad(c *qt.C) {
	c.Helper()
	if os.Getenv(loadEnv) == "" {
		c.Skip(loadEnv + " is not set")
	}
	needBrowser(c)
}

// many returns n links between the nodes of a large mesh.
func many(nodes, n int) (list []link) {
	for i := range n {
		list = append(list, link{
			class: "virtual", proto: flowtrack.TCP, from: i % nodes, to: (i + 1 + i/nodes) % nodes, sport: uint16(1024 + i), dport: 443,
			tx: float64(1000 + i), rx: float64(20000 + 7*i%9999),
		})
	}
	return list
}

func largeMesh(nodes int) *mesh {
	var names []string
	for i := range nodes {
		names = append(names, fmt.Sprintf("node-%03d", i))
	}
	return newMeshOf(names...)
}

// seconds returns the seconds that the browser spent in scripts, and in layout and style.
func (b *browser) seconds() (script, layout float64) {
	b.c.Helper()
	for _, m := range call(b, performance.GetMetrics, cdp.Empty{}).Metrics {
		switch m.Name {
		case "ScriptDuration":
			script = m.Value
		case "LayoutDuration", "RecalcStyleDuration":
			layout += m.Value
		}
	}
	return script, layout
}

// TestManyNodes measures the page for 200 nodes with 10,000 flows in the last hour: the time from opening it to its first
// rows, and what an update costs the browser.
func TestManyNodes(t *testing.T) {
	c := qt.New(t)
	needLoad(c)
	const nodes, flows, updates = 200, 10_000, 10
	m, links := largeMesh(nodes), many(nodes, flows)
	dir := c.TempDir()
	now := time.Now()
	var text strings.Builder
	for at := now.Add(-58 * time.Minute).Truncate(window); at.Before(now); at = at.Add(time.Minute) {
		for node, message := range m.messages(at, links) {
			text.Write(m.entry(node, message, at.Add(time.Second)))
			text.WriteByte('\n')
		}
	}
	c.Assert(os.MkdirAll(filepath.Join(dir, "flows", "netlog"), 0o700), qt.IsNil)
	c.Assert(os.WriteFile(filepath.Join(dir, "flows", "netlog", now.UTC().Format(time.DateOnly)+".0001.ndjson"), []byte(text.String()), 0o600), qt.IsNil)
	begin := time.Now()
	s := serve(c, filepath.Join(dir, "flows"), "-quota", "0", "-new-nodes", "0")
	b := newBrowser(c, 1600, 1000)
	b.open(s.page + "?range=1h")
	b.await(`document.querySelector("#status").innerText.startsWith("live")`)
	t.Logf("%d MiB of files read within %v", text.Len()>>20, time.Since(begin).Round(time.Millisecond))
	call(b, performance.Enable, performance.EnableParams{})

	for range 5 {
		do(b, chromedp.Navigate("about:blank"))
		b.open(s.page + "?range=1h")
		b.rows(100)
		t.Logf("opened: rows after %.0f ms", eval[float64](b, `performance.getEntriesByName("shown")[0].startTime`))
	}
	c.Check(strings.Join(b.texts("#flowcount"), ""), qt.Contains, "10,000 flows")
	script, layout := b.seconds()
	for range updates {
		was := b.texts("#status")[0]
		s.send(c, m, 0, m.entry(0, m.messages(time.Now(), links)[0], time.Time{}))
		b.await(fmt.Sprintf(`document.querySelector("#status").innerText !== %q`, was))
	}
	script2, layout2 := b.seconds()
	t.Logf("an update: scripts %.1f ms, layout and style %.1f ms", (script2-script)/updates*1000, (layout2-layout)/updates*1000)
	b.shot(t, "many")
}

// TestStoringBesidePages measures how much the server stores without a page, with one that nobody looks at, and with
// five that are open, in turns. The five are clients that ask for what a page asks, since browsers would take the
// processors from the server.
func TestStoringBesidePages(t *testing.T) {
	c := qt.New(t)
	needLoad(c)
	const nodes, flows, rounds, pages, span = 32, 1600, 7, 5, 3 * time.Second
	m, links := largeMesh(nodes), many(nodes, flows)
	rates, costs := make(map[string][]float64), make(map[string]float64)
	names := []string{"off", "unseen", "five open"}
	servers := make([]*served, len(names))
	for i, name := range names {
		ui := "127.0.0.1:0"
		if name == "off" {
			ui = "off"
		}
		servers[i] = serve(c, filepath.Join(c.TempDir(), "flows"), "-quota", "0", "-new-nodes", "0", "-ui", ui)
	}
	var loads atomic.Int64
	for i := range pages {
		go look(c.Context(), servers[2].page, fmt.Sprintf("range=1h&limit=%d", 100+i), &loads)
	}
	for range rounds {
		for i, name := range names {
			before := cpu(servers[i])
			rate := store(c, servers[i], m, links, span)
			rates[name] = append(rates[name], rate)
			costs[name] += (cpu(servers[i]) - before) / (rate * span.Seconds()) / rounds
		}
	}
	for _, name := range names {
		slices.Sort(rates[name])
		t.Logf("%-10s %.0f entries/s (%.0f to %.0f), %.0f us of the processor for each", name,
			rates[name][rounds/2], rates[name][0], rates[name][rounds-1], costs[name]*1e6)
	}
	t.Logf("the pages loaded %d times", loads.Load())
	c.Check(loads.Load() > pages*rounds, qt.IsTrue)
}

// cpu returns the processor time of the server in seconds. Unlike its speed, it hardly depends on what else the machine
// does.
func cpu(s *served) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0 // not Linux
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')'):]))
	user, _ := strconv.Atoi(fields[12])
	system, _ := strconv.Atoi(fields[13])
	return float64(user+system) / 100
}

// look asks for what a page with a query asks, until ctx ends.
func look(ctx context.Context, page, query string, loads *atomic.Int64) {
	get := func(path string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, "GET", page+path, nil)
		if err != nil {
			return nil, err
		}
		return http.DefaultClient.Do(r)
	}
	events, err := get("events")
	if err != nil {
		return
	}
	defer events.Body.Close()
	for lines := bufio.NewScanner(events.Body); lines.Scan(); {
		if lines.Text() != "event: news" {
			continue
		}
		if resp, err := get("data.json?" + query); err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			loads.Add(1)
		}
	}
}

// store sends entries of all nodes at once, as fast as it can, and returns how many a second were stored.
func store(c *qt.C, s *served, m *mesh, links []link, span time.Duration) float64 {
	c.Helper()
	const batch = 20
	begin := time.Now()
	var stored atomic.Int64
	var senders sync.WaitGroup
	for node, message := range m.messages(begin, links) {
		text, err := m.ids[node].MarshalText()
		c.Assert(err, qt.IsNil)
		url := s.url + "/c/netlog/" + string(text)
		before, after, _ := bytes.Cut(m.entry(node, message, time.Time{}), fmt.Appendf(nil, `"proc_seq":%d`, m.seqs[node]))
		senders.Go(func() {
			for time.Since(begin) < span {
				var body bytes.Buffer
				for range batch {
					m.seqs[node]++
					fmt.Fprintf(&body, `%s"proc_seq":%d%s`, before, m.seqs[node], after)
				}
				resp, err := http.Post(url, "application/json", &body)
				if err != nil || resp.StatusCode != http.StatusOK {
					c.Errorf("%v %v", resp, err)
					return
				}
				resp.Body.Close()
				stored.Add(batch)
			}
		})
	}
	senders.Wait()
	return float64(stored.Load()) / time.Since(begin).Seconds()
}
