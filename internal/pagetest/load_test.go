package pagetest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
