package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/internal/backlog"
	"github.com/go-netlog/netlog/internal/faults"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

const (
	maxQueued = 16 << 20 // bytes of the waiting entries
	maxLive   = 4 << 20  // bytes of the entries in the live table
	drawEvery = 500 * time.Millisecond
)

// view shows what is stored. It never delays storing: entries that come faster than they
// can be shown are counted and left out.
type view struct {
	// immutable
	stdout, stderr io.Writer
	json           bool
	live           bool // stdout is a terminal to draw on
	quiet          bool // show no entries
	ownErr         bool // stderr is a file or a pipe, not the terminal
	headline       string
	denied         func() string // describes the last denial; may be nil
	backlog        *backlog.Backlog

	// owned by run
	recent flowtable.Recent // the entries of the live table
	peers  []string         // the last events of peers, above the live table; at most peerLines
	screen []byte           // what was drawn last
	unread bool             // the reader of stdout is gone
	faults faults.Faults    // of writing to stdout
	missed uint64           // entries that did not fit into the backlog, when that was last said

	// mu guards the fields below.
	mu      sync.Mutex
	drawing bool
	message string   // the last line
	waiting []string // lines to print when drawing ends
	unsaid  int      // number of earlier lines dropped
}

// newView returns a view on stdout.
func newView(stdout, stderr io.Writer, json bool) *view {
	_, rows := cli.TermSize(stdout)
	return &view{
		stdout: stdout, stderr: stderr, json: json, live: rows > 0 && !json, ownErr: cli.TermWidth(stderr) == 0,
		backlog: backlog.New(maxQueued), recent: flowtable.Recent{MaxBytes: maxLive},
	}
}

// add queues copies of entries.
func (v *view) add(entries [][]byte) {
	if v.quiet {
		return
	}
	v.backlog.Add(entries)
}

// run shows entries until ctx ends.
func (v *view) run(ctx context.Context, stats func() receiver.Stats, name func(id string) string) {
	if v.live {
		v.runLive(ctx, stats, name)
		return
	}
	tick := time.NewTicker(refusedEvery)
	defer tick.Stop()
	was := stats()
	for ended := false; !ended; {
		select {
		case <-tick.C:
			was = v.sayRefused(was, stats())
		case <-v.backlog.Wake():
		case <-ctx.Done():
			ended = true // after the queue is shown
		}
		var out bytes.Buffer
		for _, e := range v.backlog.All() {
			if v.json {
				out.Write(cli.AppendJSON(out.AvailableBuffer(), e))
			} else {
				appendRecord(&out, e, name)
			}
		}
		v.show(out.Bytes())
		if skipped := v.backlog.Skipped(); skipped > v.missed {
			v.say("netlog serve: %s stored but not shown: the reader is too slow", flowtable.Plural(skipped-v.missed, "entry"))
			v.missed = skipped
		}
	}
}

// show writes to stdout. If that fails, storing continues.
func (v *view) show(p []byte) {
	if v.unread || len(p) == 0 {
		return
	}
	_, err := v.stdout.Write(p)
	switch now := time.Now(); {
	case err == nil:
		v.faults.Success(now)
	case errors.Is(err, errUnread):
		v.unread = true
		v.say("netlog serve: nobody reads what is stored any more; storing goes on")
	case v.faults.Fault(now, 0, err.Error()):
		v.say("netlog serve: what is stored cannot be printed: %v", err)
	}
}

// appendRecord appends the line of an entry: time, node and traffic.
func appendRecord(out *bytes.Buffer, e []byte, name func(id string) string) {
	var r records.Record
	err := r.UnmarshalJSON(e)
	id := r.Logtail.ID
	fmt.Fprintf(out, "%s %s", r.Logtail.ServerTime.Format("2006-01-02T15:04:05Z"), flowtable.Clean(nodeName(id, name)))
	if len(r.NodeID) == len(id) && !strings.EqualFold(r.NodeID, id) {
		fmt.Fprintf(out, " (claims to be %.12s)", flowtable.Clean(r.NodeID))
	}
	if err != nil { // r may be incomplete
		out.WriteString("  an entry of another form\n")
		return
	}
	for _, class := range flowtable.Classes() {
		flows := class.Traffic(&r.Message)
		if len(flows) == 0 {
			continue
		}
		var sum tunstats.Counts
		for _, f := range flows {
			sum = sum.Add(f.Counts)
		}
		fmt.Fprintf(out, "  %s: %s, tx %d B, rx %d B", class, flowtable.Plural(len(flows), "flow"), sum.TxBytes, sum.RxBytes)
	}
	if r.LostPackets > 0 {
		fmt.Fprintf(out, "  %s lost", flowtable.Plural(r.LostPackets, "packet"))
	}
	if r.Event == record.EventPeer {
		fmt.Fprintf(out, "  %s", flowtable.PeerText(&r.Peer))
	}
	if r.Text != "" {
		fmt.Fprintf(out, "  %s", shownText(r.Text))
	}
	out.WriteByte('\n')
}

// nodeName returns the name of a node, or the first digits of its ID.
func nodeName(id string, name func(id string) string) string {
	if n := name(id); n != "" {
		return n
	}
	return id[:min(12, len(id))]
}

// maxText limits the bytes that are shown of the text of an entry. A long text may cost its
// sender little, since it is compressed, and stdout may be a log that keeps all of it.
const maxText = 256

// shownText returns text as it is shown in a line.
func shownText(text string) string {
	text = strings.TrimSpace(text)
	if len(text) <= maxText {
		return flowtable.Clean(text)
	}
	cut := strings.ToValidUTF8(text[:maxText], "")
	return fmt.Sprintf("%s... (%d bytes)", flowtable.Clean(cut), len(text))
}
