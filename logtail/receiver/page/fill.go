package page

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
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
	paths, err := recent(p.opts.Dir, start.Add(-hour))
	p.note(err)
	if len(paths) > 0 { // no paths would mean a stream
		in := records.Input{Paths: paths}
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
	}
	p.mu.Lock()
	p.filling, p.cached = false, nil
	p.store.version++
	p.mu.Unlock()
	p.listeners.tell()
}

// note adds an error to what the page shows, unless it shows enough of them.
func (p *Page) note(err error) {
	if err == nil || errors.Is(err, fs.ErrNotExist) { // a file may be removed because of its age
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.problems) < maxProblems {
		p.problems = append(p.problems, flowtable.Clean("of the last hour, some could not be read: "+err.Error()))
	}
}

// recent returns the files in dir that were written after a time.
func recent(dir string, after time.Time) (paths []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !strings.HasSuffix(strings.TrimSuffix(path, ".zst"), ".ndjson") {
			return err
		}
		info, err := d.Info()
		if err == nil && info.ModTime().After(after) {
			paths = append(paths, path)
		}
		return err
	})
	return paths, err
}
