package serve

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/secrettest"
)

// screen returns the lines that the last whole drawing in out leaves on a terminal.
func screen(out string) []string {
	frames := strings.Split(out, goHome)
	frame, _, _ := strings.Cut(frames[len(frames)-1], clearRest)
	var lines []string
	for line := range strings.SplitSeq(strings.ReplaceAll(frame, "\r", ""), "\n") {
		lines = append(lines, strings.TrimSuffix(line, "\x1b[K"))
	}
	return lines
}

func TestServeDrawsOnTerminal(t *testing.T) {
	for _, size := range []struct{ cols, rows uint16 }{{80, 24}, {200, 50}, {40, 10}} {
		t.Run(fmt.Sprintf("%dx%d", size.cols, size.rows), func(t *testing.T) {
			c := qt.New(t)
			master, terminal := clitest.OpenPTY(c, size.cols, size.rows)
			id := secrettest.NewID()
			nodes := filepath.Join(t.TempDir(), "nodes")
			c.Assert(os.WriteFile(nodes, []byte(id.Public().String()+" web\n"), 0o600), qt.IsNil)
			drawn := clitest.CopyPTY(master)
			var stderr clitest.Output
			ctx, cancel := context.WithCancel(t.Context())
			code := make(chan int, 1)
			go func() {
				code <- run(ctx, []string{"serve", "-ui", "off", "-min-free", "0", "-addr", "127.0.0.1:0", "-dir", t.TempDir(), "-nodes", nodes}, nil, terminal, &stderr)
			}()
			url := stderr.Await(c, `http://[0-9.:]+`)[0]
			for n := range 60 { // more flows than rows
				c.Check(clitest.Send(c, url, id, clitest.FlowEntry(n+10, 1), ""), qt.Equals, 200)
			}
			c.Check(clitest.Send(c, url, id, `{"nodeId":"\u001b[2J\u009b1m","text":"\u001b]0;title\u0007"}`, ""), qt.Equals, 200)
			c.Check(clitest.Send(c, url, id, `{"exitTraffic":[{"txPkts":9,"txBytes":99999}]}`, ""), qt.Equals, 200)
			c.Check(clitest.Send(c, url, id, `{"event":"peer","peer":{"name":"lap\u001b[2Jtop","address":"10.0.0.2","endpoint":"192.0.2.7:1","state":"connected"}}`, ""), qt.Equals, 200)
			drawn.Await(c, `63 entries of 1 node stored`)
			if size.rows >= 20 {
				drawn.Await(c, `web: peer lap`)
			}
			drawn.Await(c, `62 records|exit total, 1 flow, 100kB`) // the last fits the smallest
			cancel()
			c.Check(<-code, qt.Equals, cli.ExitOK)
			drawn.Await(c, regexp.QuoteMeta(leaveScreen))

			lines := screen(drawn.String())
			c.Assert(len(lines) > 5, qt.IsTrue, qt.Commentf("%q", lines))
			c.Check(len(lines) <= int(size.rows), qt.IsTrue, qt.Commentf("%d lines", len(lines)))
			for _, line := range lines {
				c.Check(flowtable.Columns(line) <= int(size.cols), qt.IsTrue, qt.Commentf("%q", line))
				clitest.CheckPrintable(c, line)
			}
			all := strings.Join(lines, "\n")
			c.Check(all, qt.Contains, "netlog serve: http://127.0.0.1:")
			c.Check(all, qt.Contains, "class")
			if size.cols >= 80 {
				c.Check(all, qt.Matches, `(?s).*virtual +TCP +100\.64\.0\.[0-9]+:22 +100\.64\.0\.2:4000 .*`)
				c.Check(all, qt.Matches, `(?s).*exit +- +web +\(exit\) .*`)
				c.Check(all, qt.Contains, "more)")
				c.Check(all, qt.Contains, `web: peer lap\x1b[2Jtop (10.0.0.2) connected from 192.0.2.7:1`)
			}
			raw := drawn.String()
			c.Check(strings.Count(raw, enterScreen), qt.Equals, 1)
			sequences := regexp.MustCompile(`\x1b\[(\?1049[hl]|\?25[hl]|H|K|J)`).ReplaceAllString(raw, "")
			clitest.CheckPrintable(c, strings.ReplaceAll(sequences, "\r", ""))
			if testing.Verbose() {
				t.Logf("\n%s", all)
			}
		})
	}
}

// TestServeDrawsConnections checks that the live table shows a flow from the side that began it, with its state, and
// all totals.
func TestServeDrawsConnections(t *testing.T) {
	c := qt.New(t)
	master, terminal := clitest.OpenPTY(c, 120, 24)
	drawn := clitest.CopyPTY(master)
	var stderr clitest.Output
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"serve", "-ui", "off", "-min-free", "0", "-addr", "127.0.0.1:0", "-dir", t.TempDir()}, nil, terminal, &stderr)
	}()
	url := stderr.Await(c, `http://[0-9.:]+`)[0]
	const flow = `[{"proto":6,"src":"10.0.0.2:%d","dst":"10.0.0.1:40000","txPkts":%d,"txBytes":%d,"rxPkts":1,"rxBytes":60,"txFlags":%d,"rxFlags":2}]`
	var flows strings.Builder
	for port := range 30 { // more than rows
		fmt.Fprintf(&flows, `,{"proto":17,"src":"10.0.0.2:%d","dst":"10.0.0.1:9","txPkts":1,"txBytes":1}`, port+1)
	}
	entry := `{"start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:05Z","virtualTraffic":` + strings.TrimSuffix(fmt.Sprintf(flow, 23, 1, 40, 4), "]") + flows.String() +
		`],"subnetTraffic":[{"txBytes":1}],"exitTraffic":[{"txBytes":1}],"physicalTraffic":[{"txBytes":1}],"deniedTraffic":` + fmt.Sprintf(flow, 25, 0, 0, 0) + `}`
	c.Check(clitest.Send(c, url, secrettest.NewID(), entry, ""), qt.Equals, 200)
	drawn.Await(c, `1 record, 1 node, 35 entries`)
	drawn.Await(c, `rates over the last`)
	cancel()
	c.Check(<-code, qt.Equals, cli.ExitOK)
	all := strings.Join(screen(drawn.String()), "\n")
	c.Check(all, qt.Matches, `(?s).*virtual +TCP +10\.0\.0\.1:40000 +10\.0\.0\.2:23 +refused .*`)
	c.Check(all, qt.Matches, `(?s).*denied +TCP +10\.0\.0\.1:40000 +10\.0\.0\.2:25 +denied .*`)
	c.Check(all, qt.Contains, "denied total, 1 flow")
}

// TestServeDrawsRatesOfMinute checks that a node with a wrong clock, and one that delivers
// hours of windows at once, change no rates of others, and that wide names stay in their columns.
func TestServeDrawsRatesOfMinute(t *testing.T) {
	c := qt.New(t)
	master, terminal := clitest.OpenPTY(c, 100, 30)
	drawn := clitest.CopyPTY(master)
	good, bad, late := secrettest.NewID(), secrettest.NewID(), secrettest.NewID()
	nodes := filepath.Join(t.TempDir(), "nodes")
	c.Assert(os.WriteFile(nodes, []byte(good.Public().String()+" 東京\n"+bad.Public().String()+" bad\n"+late.Public().String()+" late\n"), 0o600), qt.IsNil)
	var stderr clitest.Output
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"serve", "-ui", "off", "-min-free", "0", "-addr", "127.0.0.1:0", "-dir", t.TempDir(), "-nodes", nodes}, nil, terminal, &stderr)
	}()
	url := stderr.Await(c, `http://[0-9.:]+`)[0]
	// windows returns windows of 5 s up to end, with 100 kB/s.
	windows := func(n int, end time.Time) string {
		var list []string
		for i := range n {
			end := end.Add(time.Duration(i-n+1) * 5 * time.Second)
			list = append(list, fmt.Sprintf(`{"logtail":{"proc_id":1,"proc_seq":%d},"start":%q,"end":%q,"exitTraffic":[{"txPkts":500,"txBytes":500000}]}`,
				i+1, end.Add(-5*time.Second).Format(time.RFC3339Nano), end.Format(time.RFC3339Nano)))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	now := time.Now()
	c.Check(clitest.Send(c, url, good, windows(12, now), ""), qt.Equals, 200)
	c.Check(clitest.Send(c, url, bad, windows(12, now.Add(-2*time.Hour)), ""), qt.Equals, 200)
	c.Check(clitest.Send(c, url, late, windows(1440, now.Add(-10*time.Minute)), ""), qt.Equals, 200)
	drawn.Await(c, `1464 entries of 3 nodes stored(?s:.*)rates over the last`)
	cancel()
	c.Check(<-code, qt.Equals, cli.ExitOK)
	all := strings.Join(screen(drawn.String()), "\n")
	c.Check(all, qt.Contains, "\nold windows of 1 node stored, not shown\n")
	c.Check(all, qt.Matches, `(?s).*\nexit +- +東京   \(exit\) +100 +100k +0 +0\n.*`)
	c.Check(all, qt.Matches, `(?s).*\nexit +- +bad    \(exit\) +100 +100k +0 +0\n.*`)
	c.Check(all, qt.Matches, `(?s).*\nexit total, 2 flows, .*B +200 +200k +0 +0\n.*`)
	c.Check(all, qt.Not(qt.Contains), "late")
}
