package page

import (
	"runtime"
	"time"

	"github.com/go-netlog/netlog/internal/records"
)

const (
	maxWaiting = 16 << 20              // bytes of the entries that wait
	maxWork    = 10 * time.Millisecond // of adding before a rest
	maxRest    = time.Minute           // also if the machine was suspended during the work
)

// Add adds copies of stored entries. It never waits.
func (p *Page) Add(entries [][]byte) { p.waiting.Add(entries) }

// work adds entries that wait, and returns the time that it took. rec is memory for them.
func (p *Page) work(rec *records.Record) (took time.Duration) {
	begin := time.Now()
	for took < maxWork {
		e := p.waiting.Next()
		if e == nil {
			return took
		}
		p.add(rec, e)
		took = time.Since(begin)
	}
	return took
}

// rest returns how long to rest after work of this duration, so that work takes a fortieth of the time of all
// processors.
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
