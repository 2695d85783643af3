package pagetest

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// TestLive checks that the page follows what is stored, says that the server is gone, and goes on after its restart.
func TestLive(t *testing.T) {
	c := qt.New(t)
	needBrowser(c)
	m := newMesh()
	dir := filepath.Join(c.TempDir(), "flows")
	s := serve(c, dir)
	b := newBrowser(c, 1400, 900)
	b.open(s.page)
	b.await(`document.querySelector("#empty").checkVisibility()`)
	c.Check(b.texts("#empty pre")[0], qt.Equals, "go run ./wgtun/demo -url "+s.url)
	c.Check(b.texts("#empty pre"), qt.HasLen, 3)
	c.Check(b.texts("#filter"), qt.HasLen, 0)
	b.shot(t, "empty")

	s.window(c, m, time.Now())
	b.await(`document.querySelectorAll("#flows tbody tr").length > 5`)
	c.Check(b.texts("#empty"), qt.HasLen, 0)
	flow := record.ConnectionCounts{Tuple: flowtrack.Tuple{Proto: flowtrack.UDP, Src: side(web, 1111), Dst: side(db, 2222)}, Counts: tunstats.Counts{TxPackets: 1, TxBytes: 77e9}}
	message := &record.Message{NodeID: "web-1", Start: time.Now().Add(-window), End: time.Now(), VirtualTraffic: []record.ConnectionCounts{flow}}
	s.send(c, m, web, m.entry(web, message, time.Time{}))
	b.await(`document.querySelector("#flows tbody tr").innerText.includes("77.0")`)

	b.click("#pause")
	b.await(`document.querySelector("#status").innerText.startsWith("paused")`)
	b.click("#pause")
	b.await(`document.querySelector("#status").innerText.startsWith("live")`)

	b.allow("net::ERR_")
	s.stop()
	b.await(`document.querySelector("#notes").checkVisibility()`)
	c.Check(b.texts("#notes")[0], qt.Contains, "netlog serve does not answer. What you see is of ")
	c.Check(len(b.texts("#flows tbody tr")) > 5, qt.IsTrue)
	b.shot(t, "gone")
	address := strings.TrimSuffix(strings.TrimPrefix(s.page, "http://"), "/")
	serve(c, dir, "-ui", address)
	b.await(`document.querySelector("#notes").hidden && document.querySelector("#status").innerText.startsWith("live")`)
	c.Check(b.texts("#flows tbody tr")[0], qt.Contains, "77.0", qt.Commentf("the files have the last hour"))
}

// TestSlowAnswers checks that a page whose answers take longer than it takes for more to happen shows them.
func TestSlowAnswers(t *testing.T) {
	c := qt.New(t)
	needBrowser(c)
	m := newMesh()
	s := serve(c, filepath.Join(c.TempDir(), "flows"))
	s.window(c, m, time.Now())
	b := newBrowser(c, 1000, 700)
	b.open(s.page)
	b.do(`(() => {
		const quick = fetch;
		window.fetch = (url, options) => new Promise((done, failed) => {
			options.signal.addEventListener("abort", () => failed(options.signal.reason));
			setTimeout(() => quick(url, options).then(done, failed), 4000);
		});
	})()`)
	const status = `document.querySelector("#status").innerText`
	was, shown := eval[string](b, status), 0
	for begin := time.Now(); shown < 2 && time.Since(begin) < timeout; {
		s.window(c, m, time.Now())
		time.Sleep(300 * time.Millisecond)
		if is := eval[string](b, status); is != was {
			was = is
			shown++
		}
	}
	c.Check(shown, qt.Equals, 2)
}
