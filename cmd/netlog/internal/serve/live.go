package serve

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/record"
)

// Control sequences of a terminal (ECMA-48). The table is on the alternate screen, so that
// the content of the terminal is restored afterwards.
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
	for began := time.Now(); ; {
		queue := v.backlog.All() // the head counts all entries
		v.addPeers(queue, name)
		v.recent.Update(queue, time.Since(began), time.Now())
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

// peerLines is the number of events of peers above the table.
const peerLines = 3

// addPeers adds the events of peers in entries to those above the table.
func (v *view) addPeers(entries [][]byte, name func(string) string) {
	for _, e := range entries {
		var r records.Record
		if !bytes.Contains(e, []byte(`"event"`)) || r.UnmarshalJSON(e) != nil || r.Event != record.EventPeer {
			continue
		}
		line := fmt.Sprintf("%s %s: %s", r.Logtail.ServerTime.Format("15:04:05Z"), flowtable.Clean(nodeName(r.Logtail.ID, name)), flowtable.PeerText(&r.Peer))
		v.peers = append(v.peers, line)
	}
	v.peers = v.peers[max(0, len(v.peers)-peerLines):]
}

// draw redraws the screen.
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
	if rows >= 2*foot {
		head = append(head, v.peers...)
	}
	table := flowtable.Table{
		MaxFlows: 1 << 14,
		Top:      max(1, rows-len(head)-foot),
		NodeName: func(id string) string { return nodeName(id, name) },
	}
	if behind := v.recent.AddTo(&table); behind > 0 {
		head[3] = fmt.Sprintf("old windows of %s stored, not shown", flowtable.Plural(behind, "node"))
	}
	var body bytes.Buffer
	table.Print(&body, cols)
	var out bytes.Buffer
	out.WriteString(goHome)
	left := rows - 1
	line := func(s string) {
		if left--; left >= 0 {
			out.WriteString(flowtable.CutColumns(s, cols))
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
