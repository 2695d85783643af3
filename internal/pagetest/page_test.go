package pagetest

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// texts returns the text of each element that a selector finds, with plain spaces.
func (b *browser) texts(selector string) (list []string) {
	b.c.Helper()
	for _, s := range eval[[]string](b, fmt.Sprintf(`[...document.querySelectorAll(%q)].filter((e) => e.checkVisibility()).map((e) => e.innerText)`, selector)) {
		list = append(list, strings.TrimSpace(strings.ReplaceAll(s, "\u00a0", " ")))
	}
	return list
}

// click clicks the first element that a selector finds.
func (b *browser) click(selector string) {
	b.c.Helper()
	do(b, chromedp.Click(selector))
}

// address returns the query of the address of the page.
func (b *browser) address() string { return eval[string](b, `location.search`) }

// rows waits until the table has n flows.
func (b *browser) rows(n int) {
	b.c.Helper()
	b.await(fmt.Sprintf(`document.querySelectorAll("#flows tbody tr").length === %d`, n))
}

// TestNumbersAsFmt checks that the page says what netlog fmt says of the same files.
func TestNumbersAsFmt(t *testing.T) {
	c := qt.New(t)
	needBrowser(c)
	s, m := serveHour(c)
	b := newBrowser(c, 1600, 1000)
	b.open(s.page + "?range=1h&limit=2000")
	nodes := filepath.Join(filepath.Dir(s.dir), "nodes")
	lines := strings.Split(s.fmt(c, "-resolve", "name", "-nodes", nodes), "\n")

	// The totals, as "virtual total, 97 flows, 8.34GB ...".
	total := regexp.MustCompile(`^(\w+) total, (\d+) flows?, ([0-9.]+)([kMG]?B)`)
	want := make(map[string]string)
	for _, l := range lines {
		if f := total.FindStringSubmatch(l); f != nil {
			noun := "flows"
			if f[2] == "1" {
				noun = "flow"
			}
			want[f[1]] = fmt.Sprintf("%s %s, %s %s", f[3], f[4], f[2], noun)
		}
	}
	c.Check(want, qt.HasLen, 5)
	sums := b.texts("#legend .sum")
	for i, class := range b.texts("#legend b") {
		c.Check(sums[i], qt.Equals, want[class], qt.Commentf("%s", class))
	}

	// The flows: class, protocol, sides and state, the largest first.
	var fmts, page []string
	for _, l := range lines[1:] {
		f := strings.Fields(l)
		if len(f) < 8 || f[1] == "total," {
			break
		}
		state := ""
		if len(f) == 9 {
			state = f[4]
		}
		fmts = append(fmts, strings.Join([]string{f[0], strings.Trim(f[1], "-"), f[2], f[3], state}, " "))
	}
	for _, row := range eval[[][]string](b, `[...document.querySelectorAll("#flows tbody tr")].map((r) => [...r.cells].map((c) =>
		[...c.childNodes].filter((e) => e.className !== "dim" || e.textContent.startsWith("(")).map((e) => e.textContent).join("")))`) {
		page = append(page, strings.Join([]string{row[0], row[3], row[1], row[2], row[4]}, " "))
	}
	c.Check(len(fmts) > 90, qt.IsTrue)
	c.Check(page[:30], qt.DeepEquals, fmts[:30])
	c.Check(len(page), qt.Equals, len(fmts))
	c.Check(b.texts("#nodes tbody td:first-child"), qt.HasLen, len(m.names))
}

func TestFilterSortAndShare(t *testing.T) {
	c := qt.New(t)
	needBrowser(c)
	s, _ := serveHour(c)
	b := newBrowser(c, 1400, 900)
	b.open(s.page + "?range=1h")
	all := b.texts("#flowcount")[0]

	b.click("#q")
	b.press("5432 web")
	b.await(`location.search.includes("q=5432")`)
	b.rows(2)
	c.Check(b.texts("#flows .side:nth-child(3)"), qt.DeepEquals, []string{"db:5432 100.64.0.3", "db:5432 100.64.0.3"})
	c.Check(b.texts("#legend b"), qt.DeepEquals, []string{"virtual"}, qt.Commentf("the chart and its sums follow the filter"))
	b.click("#clear")
	b.await(fmt.Sprintf(`document.querySelector("#flowcount").innerText.replaceAll("\u00a0", " ") === %q`, all))
	c.Check(b.address(), qt.Equals, "?range=1h")

	do(b, chromedp.SetValue("#state", "unanswered,refused,denied"))
	b.do(`document.querySelector("#state").dispatchEvent(new Event("change"))`)
	b.await(`document.querySelector("#flows tbody td:nth-child(5)").innerText === "denied"`)
	b.click("#legend button.denied")
	b.rows(1)
	c.Check(b.address(), qt.Contains, "class=denied")
	b.do(`history.back()`)
	b.await(`document.querySelectorAll("#flows tbody tr").length > 50`)
	b.click("#clear")
	b.await(`document.querySelector("#clear").hidden`)

	b.click(`#nodes tbody tr:first-child button`)
	b.await(`document.querySelector("#chosen button")`)
	node := strings.TrimSuffix(b.texts("#chosen")[0], " ×")
	c.Check(b.address(), qt.Equals, "?range=1h&node="+node)
	for _, sides := range b.texts("#flows tbody tr") {
		c.Check(sides, qt.Contains, node)
	}
	shared := eval[string](b, `location.href`)
	flows := b.texts("#flows tbody tr")
	other := newBrowser(c, 1400, 900)
	other.open(shared)
	other.rows(len(flows))
	c.Check(other.texts("#chosen"), qt.DeepEquals, []string{node + " ×"})

	b.click(`#flows th button[value="sent"]`)
	b.await(`document.querySelector('th[aria-sort="descending"] button').value === "sent"`)
	b.await(`(() => { const n = [...document.querySelectorAll("#flows td:nth-child(6)")].map((e) => {
		const [v, u] = e.innerText.split(/\s+/); return v * { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[u]; });
		return n.every((v, i) => i === 0 || v <= n[i - 1]) && n[0] > n.at(-1); })()`)
	b.click(`#flows th button[value="sent"]`)
	b.await(`document.querySelector('th[aria-sort="ascending"] button').value === "sent"`)
	c.Check(b.address(), qt.Contains, "sort=-sent")

	b.open(s.page + "?q=nothing-like-it")
	c.Check(b.texts("#none"), qt.DeepEquals, []string{"No flow of this time matches the filter. Clear filter"})
	b.click("#none button")
	b.await(`document.querySelectorAll("#flows tbody tr").length > 5`)
	b.allow("400 (Bad Request)")
	b.open(s.page + "?range=9h")
	c.Check(b.texts("#notes")[0], qt.Contains, "range is")
}

// TestKeyboard uses the page without a mouse.
func TestKeyboard(t *testing.T) {
	c := qt.New(t)
	needBrowser(c)
	s, _ := serveHour(c)
	b := newBrowser(c, 1400, 900)
	b.open(s.page + "?range=1h")
	b.press("/")
	c.Check(eval[string](b, `document.activeElement.id`), qt.Equals, "q")
	b.do(`document.querySelector("#q").value = ""`) // the driver types the character although its key is handled
	b.press("grafana")
	b.await(`location.search.includes("q=grafana")`)
	b.press("\t\t\t\t\r") // node, port, state, and the button that clears
	b.await(`!location.search.includes("grafana")`)
	c.Check(eval[string](b, `document.activeElement.id`), qt.Equals, "q", qt.Commentf("the focus is not lost with the button"))

	// Tab reaches everything that can be used, in order, and it can be seen where it is.
	b.open(s.page + "?range=1h")
	seen := make(map[string]bool)
	for range 60 {
		b.press("\t")
		seen[eval[string](b, `document.activeElement.closest("[id]").id + (document.activeElement.matches(":focus-visible") && getComputedStyle(document.activeElement).outlineStyle !== "none" ? "" : " unseen")`)] = true
	}
	for _, id := range []string{"pause", "range", "q", "node", "port", "state", "legend", "chart", "matrix", "nodes", "flows"} {
		c.Check(seen[id], qt.IsTrue, qt.Commentf("%s in %v", id, seen))
	}

	b.do(`document.querySelector("#chart svg").focus()`)
	b.press(kb.ArrowLeft)
	c.Check(b.texts("#at"), qt.HasLen, 1)
	c.Check(b.texts("#at")[0], qt.Matches, `at \d\d:\d\d:\d\d`)
	c.Check(eval[string](b, `document.querySelector("#chart svg").getAttribute("aria-valuetext")`), qt.Matches, `\d\d:\d\d:\d\d: virtual .*MB/s, .*`)
	b.press(kb.Escape)
	c.Check(b.texts("#at"), qt.DeepEquals, []string{""})

	b.do(`document.querySelector("#matrix button").focus()`)
	b.press(kb.ArrowRight + kb.ArrowDown)
	c.Check(eval[[]int](b, `[document.activeElement.closest("td").cellIndex, document.activeElement.closest("tr").sectionRowIndex]`), qt.DeepEquals, []int{2, 1})
	b.press("\r")
	b.await(`new URLSearchParams(location.search).getAll("node").length > 0`)
	b.size(360, 800)
	b.open(s.page + "?range=1h")
	b.await(`document.querySelector("#pairs button")?.checkVisibility() && !document.querySelector("#matrix").checkVisibility()`)
	b.do(`document.querySelector("#pairs button").focus()`)
	pair := strings.Split(b.texts("#pairs .link")[0], " → ")
	pair = slices.DeleteFunc(pair, func(name string) bool { return name == "(exit)" }) // which is no node
	b.press("\r")
	b.await(`location.search.includes("node=")`)
	c.Check(eval[[]string](b, `new URLSearchParams(location.search).getAll("node")`), qt.DeepEquals, pair)
	b.size(1400, 900)
	b.press(kb.Escape)
	b.do(`document.querySelector('#flows th button[value="packets"], #flows th button[value="received"]').focus()`)
	b.press("\r")
	b.await(`location.search.includes("sort=received")`)
}

// TestHostileNames checks that what nodes call themselves stays text.
func TestHostileNames(t *testing.T) {
	c := qt.New(t)
	needBrowser(c)
	m := newMeshOf(`<img src=x onerror=document.title='owned'>`, `"><script>document.title='owned'</script>`, "\u202egpj.exe", strings.Repeat("long name ", 20))
	s := serve(c, filepath.Join(c.TempDir(), "flows"))
	b := newBrowser(c, 1400, 900)
	now := time.Now()
	for node, name := range m.names {
		flow := record.ConnectionCounts{Tuple: flowtrack.Tuple{Proto: 200, Src: side(node, 0), Dst: side((node+1)%4, 0)}, Counts: tunstats.Counts{TxPackets: 1, TxBytes: 1 << 63}}
		message := &record.Message{NodeID: name, SrcNode: record.Node{Name: name}, Start: now.Add(-window), End: now, VirtualTraffic: []record.ConnectionCounts{flow}}
		s.send(c, m, node, m.entry(node, message, time.Time{}))
	}
	b.open(s.page)
	b.await(`document.querySelectorAll("#nodes tbody tr").length === 4`)
	c.Check(eval[string](b, `document.title`), qt.Equals, "netlog")
	c.Check(eval[int](b, `document.querySelectorAll("img, body script, iframe").length`), qt.Equals, 0)
	names := strings.Join(b.texts("#nodes td:first-child"), "\n")
	c.Check(names, qt.Contains, m.names[0])
	c.Check(names, qt.Contains, m.names[1])
	c.Check(names, qt.Contains, `\u202egpj.exe`)
	b.click("#nodes button")
	b.await(`document.querySelector("#chosen button")`)
	c.Check(eval[int](b, `document.documentElement.scrollWidth`), qt.Equals, 1400)
	b.shot(t, "hostile")
}

// TestAnotherOrigin checks that a page of another origin on this machine can neither show nor read this one.
func TestAnotherOrigin(t *testing.T) {
	c := qt.New(t)
	needBrowser(c)
	s, _ := serveHour(c)
	evil := serveText(c, `<!doctype html><title>evil</title><iframe src="`+s.page+`"></iframe><script>
		window.got = [];
		fetch("`+s.page+`data.json").then(() => got.push("fetch"), () => got.push("no fetch"));
		fetch("`+s.page+`data.json", { mode: "no-cors" }).then((r) => got.push("opaque " + r.type), () => got.push("no opaque"));
		const events = new EventSource("`+s.page+`events");
		events.onopen = () => got.push("events");
		events.onerror = () => got.push("no events");
		const script = document.createElement("script");
		script.src = "`+s.page+`data.json";
		script.onload = () => got.push("script");
		script.onerror = () => got.push("no script");
		document.head.append(script);
	</script>`)
	b := newBrowser(c, 1000, 700)
	b.allow("") // everything that it tries is a fault
	do(b, chromedp.Navigate(evil))
	b.await(`window.got.length >= 4`)
	c.Check(eval[string](b, `got.sort().slice(0, 4).join(", ")`), qt.Equals, "no events, no fetch, no opaque, no script")
	c.Check(eval[bool](b, `(() => { try { return frames[0].document.querySelector("#flows") !== null } catch { return false } })()`), qt.IsFalse)
	framed := false
	b.mu.Lock()
	for _, f := range b.faults {
		framed = framed || strings.Contains(f, "frame-ancestors") || strings.Contains(f, "Refused to display") || strings.Contains(f, "X-Frame-Options")
	}
	b.mu.Unlock()
	c.Check(framed, qt.IsTrue, qt.Commentf("%v", b.faults))
}

// TestRebinding checks that a page of another host name gets nothing, although the name leads to this machine.
func TestRebinding(t *testing.T) {
	c := qt.New(t)
	needBrowser(c)
	s, _ := serveHour(c)
	b := newBrowser(c, 1000, 700, chromedp.Flag("host-resolver-rules", "MAP evil.example 127.0.0.1"))
	b.allow("evil.example")
	do(b, chromedp.Navigate(strings.Replace(s.page, "127.0.0.1", "evil.example", 1)))
	c.Check(b.texts("body"), qt.DeepEquals, []string{"ask for localhost or its address"})
	b.do(`fetch("/data.json").then((r) => r.text().then((text) => { window.got = r.status + " " + text; }))`)
	b.await(`window.got`)
	c.Check(eval[string](b, `window.got`), qt.Equals, "403 ask for localhost or its address\n")
}
