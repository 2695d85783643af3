package examples_test

import (
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// vmuiLink matches the link in the README of VictoriaLogs.
var vmuiLink = regexp.MustCompile(`http://127\.0\.0\.1:9428(/select/vmui/#/\?[^)]+)\)`)

// TestVictoriaLogsLink checks that the link contains the query of a file.
func TestVictoriaLogsLink(t *testing.T) {
	link := vmuiLink.FindStringSubmatch(readText(t, "victorialogs/README.md"))
	qt.Assert(t, link, qt.HasLen, 2)
	_, parameters, _ := strings.Cut(link[1], "#/?")
	values, err := url.ParseQuery(parameters)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, values.Get("query")+"\n", qt.Equals, readText(t, "victorialogs/largest.logsql"))
}

// TestVictoriaLogsLinkInBrowser opens the link in a browser.
func TestVictoriaLogsLinkInBrowser(t *testing.T) {
	browser := os.Getenv("NETLOG_CHROMIUM")
	if browser == "" {
		t.Skip("set NETLOG_CHROMIUM=/usr/bin/chromium and NETLOG_ENGINES=1 to open the link in this browser")
	}
	v := startVictoriaLogs(t, buildVictoriaLogs(t), t.TempDir(), freePort(t))
	_, lines := newStore(t, honest(time.Now()))
	v.insert(t, insertPath(t, "victorialogs/README.md"), withoutSender(lines))
	v.get(t, "/select/logsql/query", url.Values{"query": {"*"}}) // flushes
	link := vmuiLink.FindStringSubmatch(readText(t, "victorialogs/README.md"))[1]
	cmd := exec.CommandContext(t.Context(), browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000",
		"--user-data-dir="+t.TempDir(), "--dump-dom", v.url+link)
	out, err := cmd.Output()
	qt.Assert(t, err, qt.IsNil)
	text := strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(string(out), " ")), " ")
	qt.Check(t, text, qt.Contains, "src: 100.64.0.1:4000")
	qt.Check(t, text, qt.Contains, "bytes: 300")
}
