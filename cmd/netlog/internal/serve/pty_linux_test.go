package serve

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
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
				code <- run(ctx, []string{"serve", "-ui", "off", "-addr", "127.0.0.1:0", "-dir", t.TempDir(), "-nodes", nodes}, nil, terminal, &stderr)
			}()
			url := stderr.Await(c, `http://[0-9.:]+`)[0]
			for n := range 60 { // more flows than rows
				c.Check(clitest.Send(c, url, id, clitest.FlowEntry(n+10, 1), ""), qt.Equals, 200)
			}
			c.Check(clitest.Send(c, url, id, `{"nodeId":"\u001b[2J\u009b1m","text":"\u001b]0;title\u0007"}`, ""), qt.Equals, 200)
			c.Check(clitest.Send(c, url, id, `{"exitTraffic":[{"txPkts":9,"txBytes":99999}]}`, ""), qt.Equals, 200)
			drawn.Await(c, `62 entries of 1 node stored`)
			drawn.Await(c, `62 records|exit total, 1 flow, 100kB`) // the last fits the smallest
			cancel()
			c.Check(<-code, qt.Equals, cli.ExitOK)
			drawn.Await(c, regexp.QuoteMeta(leaveScreen))

			lines := screen(drawn.String())
			c.Assert(len(lines) > 5, qt.IsTrue, qt.Commentf("%q", lines))
			c.Check(len(lines) <= int(size.rows), qt.IsTrue, qt.Commentf("%d lines", len(lines)))
			for _, line := range lines {
				c.Check(utf8.RuneCountInString(line) <= int(size.cols), qt.IsTrue, qt.Commentf("%q", line))
				clitest.CheckPrintable(c, line)
			}
			all := strings.Join(lines, "\n")
			c.Check(all, qt.Contains, "netlog serve: http://127.0.0.1:")
			c.Check(all, qt.Contains, "class")
			if size.cols >= 80 {
				c.Check(all, qt.Matches, `(?s).*virtual +TCP +100\.64\.0\.[0-9]+:22 +100\.64\.0\.2:4000 .*`)
				c.Check(all, qt.Matches, `(?s).*exit +- +web +\(exit\) .*`)
				c.Check(all, qt.Contains, "more)")
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
