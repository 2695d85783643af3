package main

import (
	"fmt"
	"io"
	"time"

	"github.com/go-netlog/netlog/internal/records"
)

// progress is a line on a terminal that tells how far a long read is.
type progress struct {
	w     io.Writer
	next  time.Time
	shown bool
	calls int
}

func newProgress(w io.Writer) *progress {
	p := &progress{next: time.Now().Add(time.Second)}
	if termWidth(w) > 0 {
		p.w = w
	}
	return p
}

// show updates the line, at most a few times a second.
func (p *progress) show(in *records.Input) {
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

// end takes the line away.
func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
