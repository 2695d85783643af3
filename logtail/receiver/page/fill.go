package page

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
)

// fill adds the entries of the hour before start from the files. What is received meanwhile waits in the
// queue, since the state of a connection needs its windows in order.
func (p *Page) fill(ctx context.Context, start time.Time) {
	if p.opts.Dir == "" {
		return
	}
	const hour = hourSteps * stepSeconds * time.Second
	in := records.Input{Paths: []string{p.opts.Dir}, Since: start.Add(-hour)}
	for rec, err := range in.Records() {
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			p.note(err)
			continue
		}
		// The receiver may write to a file already. Those entries are in the queue too.
		if at := rec.Logtail.ServerTime; at.Before(start) && start.Sub(at) < hour {
			p.mu.Lock()
			p.store.add(rec, at)
			p.mu.Unlock()
		}
	}
	p.mu.Lock()
	p.filling, p.cached = false, nil
	p.store.version++
	p.mu.Unlock()
	p.listeners.notify()
}

// note adds an error to the problems that the page shows, up to maxProblems.
func (p *Page) note(err error) {
	if err == nil || errors.Is(err, fs.ErrNotExist) { // a file may be removed because of its age
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.problems) < maxProblems {
		p.problems = append(p.problems, flowtable.Clean("some entries of the last hour could not be read: "+err.Error()))
	}
}
