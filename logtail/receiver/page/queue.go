package page

import (
	"bytes"
	"runtime"
	"time"

	"github.com/go-netlog/netlog/internal/records"
)

const (
	maxQueued = 16 << 20              // bytes of the entries that wait
	maxWork   = 10 * time.Millisecond // of adding before a rest
	maxRest   = time.Minute           // also if the machine was suspended during the work
)

// Add adds copies of stored entries. It never waits.
func (p *Page) Add(entries [][]byte) {
	p.queueMu.Lock()
	defer p.queueMu.Unlock()
	for _, e := range entries {
		if p.queued+len(e) > maxQueued {
			p.skipped++
			continue
		}
		p.queue = append(p.queue, bytes.Clone(e))
		p.queued += len(e)
	}
	p.signal()
}

// signal wakes run.
func (p *Page) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// next removes the first entry from the queue. It returns nil if there is none.
func (p *Page) next() []byte {
	p.queueMu.Lock()
	defer p.queueMu.Unlock()
	if len(p.queue) == 0 {
		p.queue = nil
		return nil
	}
	e := p.queue[0]
	p.queue[0], p.queue = nil, p.queue[1:]
	p.queued -= len(e)
	return e
}

// work adds entries of the queue, and returns the time that it took. rec is memory for them.
func (p *Page) work(rec *records.Record) (took time.Duration) {
	begin := time.Now()
	for took < maxWork {
		e := p.next()
		if e == nil {
			return took
		}
		p.add(rec, e)
		took = time.Since(begin)
	}
	p.signal() // there may be more
	return took
}

// rest returns how long to rest after work, so that it takes a fortieth of the time of all processors.
func rest(work time.Duration) time.Duration {
	const share = 40
	procs := runtime.GOMAXPROCS(0)
	return min(maxRest, work*time.Duration(max(0, share-procs))/time.Duration(procs))
}

// add decodes and adds one entry. rec is memory for it.
func (p *Page) add(rec *records.Record, entry []byte) {
	if rec.UnmarshalJSON(entry) != nil {
		return // netlog fmt says what is wrong with it
	}
	now := rec.Logtail.ServerTime
	if now.IsZero() {
		now = time.Now()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.store.add(rec, now)
}
