package serve

import (
	"bytes"
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/logtail/receiver"
)

// What is written to draw on a terminal (ECMA-48). The table is on the alternate
// screen, so that the operator finds his own again afterwards.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?1049l\x1b[?25h"
	goHome      = "\x1b[H"
	clearLine   = "\x1b[K\r\n"
	clearRest   = "\x1b[J"
)

// runLive draws the flows of the last minute until ctx ends.
func (v *view) runLive(ctx context.Context, stats func() receiver.Stats, name func(string) string) {
	v.startDrawing()
	defer v.stopDrawing()
	tick, refusals := time.NewTicker(drawEvery), time.NewTicker(refusedEvery)
	defer tick.Stop()
	defer refusals.Stop()
	was := stats()
	for {
		queue, _ := v.take() // the head counts all entries
		now := time.Now()
		for _, e := range queue {
			v.latest = append(v.latest, shown{e, now})
			v.bytes += len(e)
		}
		old := 0
		for old < len(v.latest) && (v.bytes > maxLive || now.Sub(v.latest[old].at) > liveWindow) {
			v.bytes -= len(v.latest[old].raw)
			old++
		}
		v.latest = append([]shown(nil), v.latest[old:]...)
		v.draw(stats(), name)
		select {
		case <-ctx.Done():
			return
		case <-refusals.C:
			was = v.sayRefused(was, stats())
		case <-tick.C:
		}
	}
}

// draw draws the screen anew.
func (v *view) draw(st receiver.Stats, name func(string) string) {
	cols, rows := cli.TermSize(v.stdout) // the terminal may have been resized
	v.mu.Lock()
	message := v.message
	v.mu.Unlock()
	head := []string{
		v.headline,
		fmt.Sprintf("%s of %s stored, %s refused; ^C ends", flowtable.Plural(st.Stored, "entry"),
			flowtable.Plural(st.Nodes, "node"), flowtable.Plural(refused(st), "request")),
		message,
		"",
	}
	// Around the rows are the names of the columns, the flows left out, the totals of five classes, the
	// records and their time. The last line stays empty.
	const foot = 10
	table := flowtable.Table{
		MaxFlows: 1 << 14,
		Top:      max(1, rows-len(head)-foot),
		NodeName: func(id string) string { return nodeName(id, name) },
	}
	for _, e := range v.latest {
		var r records.Record
		if r.UnmarshalJSON(e.raw) == nil {
			table.Add(&r)
		}
	}
	var body bytes.Buffer
	table.Print(&body, cols)
	var out bytes.Buffer
	out.WriteString(goHome)
	left := rows - 1
	line := func(s string) {
		if left--; left >= 0 {
			out.WriteString(cutColumns(s, cols))
			out.WriteString(clearLine)
		}
	}
	for _, s := range head {
		line(s)
	}
	for s := range bytes.Lines(body.Bytes()) {
		line(string(bytes.TrimRight(s, "\n")))
	}
	out.WriteString(clearRest)
	if !bytes.Equal(out.Bytes(), v.screen) { // an unchanged table is not drawn again
		v.screen = out.Bytes()
		v.stdout.Write(v.screen)
	}
}

// cutColumns returns s in at most cols columns, a rune each.
func cutColumns(s string, cols int) string {
	for utf8.RuneCountInString(s) > cols {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}
