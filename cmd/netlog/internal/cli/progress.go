package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-netlog/netlog/internal/records"
)

// Progress shows on a terminal how much of the input has been read.
type Progress struct {
	w     io.Writer
	next  time.Time
	shown bool
	calls int
}

// NewProgress returns a Progress that draws on w if it is a terminal that can draw.
func NewProgress(w io.Writer) *Progress {
	p := &Progress{next: time.Now().Add(time.Second)}
	if TermWidth(w) > 0 && !dumb() {
		p.w = w
	}
	return p
}

// NewTestProgress returns a Progress that draws on w at once, for tests.
func NewTestProgress(w io.Writer) *Progress { return &Progress{w: w, calls: 63} }

// Show updates the line, at most a few times per second.
func (p *Progress) Show(in *records.Input) {
	if p.calls++; p.w == nil || p.calls%64 != 0 {
		return
	}
	now := time.Now()
	if now.Before(p.next) {
		return
	}
	p.next, p.shown = now.Add(250*time.Millisecond), true
	read, size := in.Progress()
	if size > 0 {
		fmt.Fprintf(p.w, "\r%3d %% of %d MB\x1b[K", 100*min(read, size)/size, size/1e6)
	} else {
		fmt.Fprintf(p.w, "\r%d MB\x1b[K", read/1e6)
	}
}

// End removes the line.
func (p *Progress) End() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

// dumb reports whether the terminal of the process only prints lines, as in an editor.
func dumb() bool { return os.Getenv("TERM") == "dumb" }
