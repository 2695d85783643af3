package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"
	"unsafe"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
)

// openPTY returns the two ends of a new pseudo-terminal of this size (pty(7)).
func openPTY(c *qt.C, cols, rows uint16) (master, terminal *os.File) {
	c.Helper()
	fd, err := syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		c.Skipf("no pseudo-terminals here: %v", err)
	}
	ioctl := func(request uintptr, arg unsafe.Pointer) {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
		c.Assert(errno, qt.Equals, syscall.Errno(0))
	}
	var unlocked, number int32
	ioctl(syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked))
	ioctl(syscall.TIOCGPTN, unsafe.Pointer(&number))
	size := [4]uint16{rows, cols}
	ioctl(syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	master = os.NewFile(uintptr(fd), "ptmx")
	c.Cleanup(func() { master.Close() })
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	c.Assert(err, qt.IsNil)
	c.Cleanup(func() { terminal.Close() })
	return master, terminal
}

// copyPTY returns what is written on the terminal, as it comes.
func copyPTY(master *os.File) *output {
	drawn := new(output)
	go io.Copy(drawn, master)
	return drawn
}

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

func TestServeDrawsOnATerminal(t *testing.T) {
	for _, size := range []struct{ cols, rows uint16 }{{80, 24}, {200, 50}, {40, 10}} {
		t.Run(fmt.Sprintf("%dx%d", size.cols, size.rows), func(t *testing.T) {
			c := qt.New(t)
			master, terminal := openPTY(c, size.cols, size.rows)
			id := secrettest.NewID()
			nodes := filepath.Join(t.TempDir(), "nodes")
			c.Assert(os.WriteFile(nodes, []byte(id.Public().String()+" web\n"), 0o600), qt.IsNil)
			drawn := copyPTY(master)
			var stderr output
			ctx, cancel := context.WithCancel(t.Context())
			code := make(chan int, 1)
			go func() {
				code <- run(ctx, []string{"serve", "-addr", "127.0.0.1:0", "-dir", t.TempDir(), "-nodes", nodes}, nil, terminal, &stderr)
			}()
			url := stderr.await(c, `http://[0-9.:]+`)[0]
			for n := range 60 { // more flows than rows
				c.Check(send(c, url, id, flowEntry(n+10, 1), ""), qt.Equals, 200)
			}
			c.Check(send(c, url, id, `{"nodeId":"\u001b[2J\u009b1m","text":"\u001b]0;title\u0007"}`, ""), qt.Equals, 200)
			c.Check(send(c, url, id, `{"exitTraffic":[{"txPkts":9,"txBytes":99999}]}`, ""), qt.Equals, 200)
			drawn.await(c, `62 entries of 1 node stored`)
			drawn.await(c, `62 records|exit total, 1 flow, 100kB`) // the last fits the smallest
			cancel()
			c.Check(<-code, qt.Equals, exitOK)
			drawn.await(c, regexp.QuoteMeta(leaveScreen))

			lines := screen(drawn.String())
			c.Assert(len(lines) > 5, qt.IsTrue, qt.Commentf("%q", lines))
			c.Check(len(lines) <= int(size.rows), qt.IsTrue, qt.Commentf("%d lines", len(lines)))
			for _, line := range lines {
				c.Check(utf8.RuneCountInString(line) <= int(size.cols), qt.IsTrue, qt.Commentf("%q", line))
				checkPrintable(c, line)
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
			checkPrintable(c, strings.ReplaceAll(sequences, "\r", ""))
			if testing.Verbose() {
				t.Logf("\n%s", all)
			}
		})
	}
}

// TestFmtTakesItsWidthFromTheTerminal, and draws progress on nothing else.
func TestFmtTakesItsWidthFromTheTerminal(t *testing.T) {
	c := qt.New(t)
	in := strings.ReplaceAll(flowEntry(1, 1), "100.64.0.2:4000", "[fd7a:115c:a1e0:ab12:4843:cd96:6256:b0b4]:65000")
	_, want, _ := netlogCommand(t, in, "fmt", "-width", "60")
	c.Assert(want, qt.Contains, "~") // it was cut
	master, terminal := openPTY(c, 60, 24)
	drawn := copyPTY(master)
	c.Check(run(t.Context(), []string{"fmt"}, strings.NewReader(in), terminal, terminal), qt.Equals, exitOK)
	drawn.await(c, regexp.QuoteMeta(strings.ReplaceAll(want, "\n", "\r\n"))+"$")

	file, err := os.Create(t.TempDir() + "/errors")
	c.Assert(err, qt.IsNil)
	defer file.Close()
	c.Check(newProgress(file).w, qt.IsNil)
	c.Check(newProgress(terminal).w, qt.Equals, io.Writer(terminal))
}
