package pagetest

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

var (
	schemes = []string{"light", "dark"}
	widths  = []int{1600, 1200, 800, 360, 320} // at 320, WCAG 2.2 asks for no sideways scrolling
)

// serveHour serves an hour of the traffic of a mesh, from files.
func serveHour(c *qt.C) (*served, *mesh) {
	c.Helper()
	m := newMesh()
	dir := c.TempDir()
	now := time.Now()
	c.Assert(m.write(filepath.Join(dir, "flows"), now.Add(-58*time.Minute), now), qt.IsNil)
	c.Assert(m.writeNames(filepath.Join(dir, "nodes")), qt.IsNil)
	return serve(c, filepath.Join(dir, "flows"), "-nodes", filepath.Join(dir, "nodes")), m
}

// serveHostile serves flows between nodes with the names that need the most room, which have faults too.
func serveHostile(c *qt.C) *served {
	c.Helper()
	m := newMeshOf(strings.Repeat("W", 200), strings.Repeat("\u202e", 40), `"><script>document.title='owned'</script>`, "a", strings.Repeat("long name ", 20))
	dir := c.TempDir()
	c.Assert(os.WriteFile(filepath.Join(dir, "nodes"), fmt.Appendf(nil, "%s %s\n", m.ids[3].Public(), strings.Repeat("Operator", 9)), 0o600), qt.IsNil)
	s := serve(c, filepath.Join(dir, "flows"), "-nodes", filepath.Join(dir, "nodes"))
	end := time.Now()
	long := netip.MustParseAddr("fd7a:115c:a1e0:1234:5678:9abc:def0:1234")
	huge := tunstats.Counts{TxPackets: 1 << 62, TxBytes: 1 << 63, RxPackets: 1 << 62, RxBytes: 1 << 62, TxFlags: tunstats.SYN, RxFlags: tunstats.RST | tunstats.ACK}
	for node, name := range m.names {
		next := (node + 1) % len(m.names)
		message := &record.Message{
			NodeID: name, SrcNode: record.Node{Name: name}, Start: end.Add(-window), End: end.Add(time.Hour),
			VirtualTraffic: []record.ConnectionCounts{
				{Tuple: flowtrack.Tuple{Proto: flowtrack.TCP, Src: side(node, 65535), Dst: side(next, 65534)}, Counts: huge},
				{Tuple: flowtrack.Tuple{Proto: 200, Src: side(node, 0), Dst: netip.AddrPortFrom(long, 65535)}, Counts: huge},
			},
			PhysicalTraffic: []record.ConnectionCounts{{Tuple: flowtrack.Tuple{Src: side(next, 0), Dst: netip.AddrPortFrom(long, 41641)}, Counts: huge}},
			ExitTraffic:     []record.ConnectionCounts{{Counts: huge}},
		}
		s.send(c, m, node, m.entry(node, message, time.Time{}))
		m.seqs[node] += 1_234_567_890
		s.send(c, m, node, fmt.Appendf(nil, `{"droppedEntries":%d,%s`, 1<<60, m.entry(node, message, time.Time{})[1:]))
	}
	return s
}

// overflowing is an expression for the elements that hold more than they have room for, or reach out of the window.
const overflowing = `[...document.body.querySelectorAll("*")].filter((e) => e.checkVisibility() && !(e instanceof SVGElement) && e.localName !== "option")
	.filter((e) => e.clientWidth > 0 && e.scrollWidth > e.clientWidth || e.getBoundingClientRect().right > innerWidth + 1)
	.map((e) => e.localName + "#" + (e.closest("[id]")?.id) + " " + e.scrollWidth + " > " + e.clientWidth + ": " + e.textContent.slice(0, 40))`

// faint is an expression for the texts with less contrast than WCAG 2.2 asks for at level AA, which is 4.5.
const faint = `(() => {
	const parse = (color) => { const [r, g, b, a = 1] = color.match(/[\d.]+/g).map(Number); return [r, g, b, a]; };
	const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
	const ground = (e) => {
		if (!e) return parse(matchMedia("(prefers-color-scheme: dark)").matches ? "rgb(0, 0, 0)" : "rgb(255, 255, 255)");
		const color = parse(getComputedStyle(e).backgroundColor);
		return color[3] === 1 ? color : over(color, ground(e.parentElement));
	};
	const light = (color) => color.slice(0, 3).map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const faults = [];
	const compare = (e, color, text) => {
		const below = ground(e);
		let front = parse(color);
		for (let p = e; p; p = p.parentElement) front[3] *= Number(getComputedStyle(p).opacity);
		const [x, y] = [light(over(front, below)), light(below)].sort((a, b) => b - a);
		const contrast = (x + 0.05) / (y + 0.05);
		if (contrast < 4.5) faults.push(contrast.toFixed(2) + " in " + e.localName + "#" + e.closest("[id]")?.id + " " + e.className + ": " + text.slice(0, 30));
	};
	for (const e of document.body.querySelectorAll("*")) {
		if (!e.checkVisibility()) continue;
		const text = [...e.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE).map((n) => n.data).join("").trim();
		const style = getComputedStyle(e);
		if (text) compare(e, e instanceof SVGElement ? style.fill : style.color, text);
		if (e.placeholder) compare(e, getComputedStyle(e, "::placeholder").color, e.placeholder);
	}
	return faults;
})()`

// TestLook checks at several widths, in light and dark, that nothing scrolls sideways and that all text has contrast. It
// keeps pictures.
func TestLook(t *testing.T) {
	c := qt.New(t)
	needBrowser(c)
	s, m := serveHour(c)
	b := newBrowser(c, 1600, 1000)
	s.window(c, m, time.Now())
	for _, scheme := range schemes {
		for _, width := range widths {
			b.scheme(scheme)
			b.size(width, 1000)
			b.open(s.page + "?range=1h")
			b.await(`document.querySelectorAll("#flows tbody tr").length > 10`)
			c.Check(eval[int](b, `document.documentElement.scrollWidth`) <= width, qt.IsTrue, qt.Commentf("no sideways scrolling at %d", width))
			c.Check(eval[[]string](b, faint), qt.HasLen, 0, qt.Commentf("%s at %d", scheme, width))
			b.shot(t, fmt.Sprintf("%s-%d", scheme, width))
			if width <= 800 {
				b.do(`scrollTo(0, document.querySelector("#talk").offsetTop - 20)`)
				b.shot(t, fmt.Sprintf("%s-%d-below", scheme, width))
			}
			if width <= 360 {
				c.Check(eval[[]string](b, overflowing), qt.HasLen, 0, qt.Commentf("%s", scheme))
				b.do(`scrollTo(0, document.querySelector("#largest").offsetTop - 20)`)
				b.shot(t, fmt.Sprintf("%s-%d-flows", scheme, width))
			}
		}
	}
}

// TestLookHostile is TestLook with long names, filters, faults of nodes and the messages of the page.
func TestLookHostile(t *testing.T) {
	c := qt.New(t)
	needBrowser(c)
	s := serveHostile(c)
	b := newBrowser(c, 360, 800)
	for _, scheme := range schemes {
		for _, width := range widths {
			b.scheme(scheme)
			b.size(width, 1000)
			b.open(s.page)
			b.await(`document.querySelectorAll("#nodes tbody tr").length === 5`)
			b.do(`document.querySelector("#legend button").click()`)
			b.await(`document.querySelector("#legend").classList.contains("some")`)
			b.do(`document.querySelector("#nodes button").click()`)
			b.await(`document.querySelector("#chosen button")`)
			c.Check(eval[int](b, `document.documentElement.scrollWidth`) <= width, qt.IsTrue, qt.Commentf("no sideways scrolling at %d", width))
			if width <= 360 {
				c.Check(eval[[]string](b, overflowing), qt.HasLen, 0, qt.Commentf("%s", scheme))
			}
			c.Check(eval[[]string](b, faint), qt.HasLen, 0, qt.Commentf("%s at %d", scheme, width))
			b.shot(t, fmt.Sprintf("%s-%d", scheme, width))
			b.do(`scrollTo(0, document.querySelector("#talk").offsetTop - 20)`)
			b.shot(t, fmt.Sprintf("%s-%d-below", scheme, width))
		}
	}
}

// TestLookEmpty is TestLook without entries, without a match and without a server.
func TestLookEmpty(t *testing.T) {
	c := qt.New(t)
	needBrowser(c)
	s := serve(c, filepath.Join(c.TempDir(), "flows"))
	b := newBrowser(c, 360, 800)
	each := func(name string) {
		for _, scheme := range schemes {
			for _, width := range widths {
				b.scheme(scheme)
				b.size(width, 800)
				c.Check(eval[[]string](b, overflowing), qt.HasLen, 0, qt.Commentf("%s, %s at %d", name, scheme, width))
				c.Check(eval[[]string](b, faint), qt.HasLen, 0, qt.Commentf("%s, %s at %d", name, scheme, width))
				b.shot(t, fmt.Sprintf("%s-%s-%d", name, scheme, width))
			}
		}
	}
	b.open(s.page)
	b.await(`document.querySelector("#empty").checkVisibility()`)
	each("empty")
	m := newMesh()
	s.window(c, m, time.Now())
	b.await(`document.querySelectorAll("#flows tbody tr").length > 5`)
	b.open(s.page + "?q=nothing-like-it")
	b.await(`document.querySelector("#none").checkVisibility()`)
	each("none")
	b.allow("net::ERR_")
	s.stop()
	b.await(`document.querySelector("#notes").checkVisibility()`)
	each("gone")
}
