// Package page shows the traffic of the last hour in a browser: how much, by class; the largest
// flows; who talks to whom; and the nodes. A [Page] is an [http.Handler] that is fed with the
// entries that a receiver stores. `netlog serve` serves it on loopback, and a control server can
// mount the same Handler:
//
//	package main
//
//	import (
//		"log"
//		"net/http"
//
//		"github.com/go-netlog/netlog/logtail/receiver"
//		"github.com/go-netlog/netlog/logtail/receiver/filestore"
//		"github.com/go-netlog/netlog/logtail/receiver/page"
//	)
//
//	func main() {
//		files, err := filestore.Open("flows", filestore.Options{})
//		if err != nil {
//			log.Fatal(err)
//		}
//		defer files.Close()
//		p := page.New(page.Options{Dir: "flows"})
//		defer p.Close()
//		http.Handle("/c/", &receiver.Handler{Sink: p.Sink(files)})
//		http.Handle("/flows/", http.StripPrefix("/flows", p)) // this machine only; see Options.AnyHost
//		log.Print(http.ListenAndServe("127.0.0.1:8641", nil))
//	}
//
// The package does not depend on the netlog command. Options.Name names the nodes.
//
// # Who may see it
//
// The page shows who talks to whom, and asks for no password. By default it answers only
// requests whose Host is this machine, so that a web site cannot read it by giving this machine's
// address to a host name of its own (DNS rebinding). Serve it on loopback, where every user of
// the machine can read it, or behind an authentication with AnyHost. It has no other origin's
// content, no inline script or style, may not be framed, and changes nothing.
//
// # Memory
//
// A Page keeps up to 65,536 reports of flows of the last hour, in steps of ten seconds, and up to
// 4,096 nodes, in 128 MiB at most and in a few MiB usually. If a flow has two reports, one
// by each end, it is counted once, as netlog fmt does. Beyond the bound the smallest flows are added
// up in one sum for each class, and steps older than a quarter of an hour become minutes.
//
// The Page never delays the Sink. One goroutine adds up the entries, and uses at most a fortieth of the time
// of all processors. Up to 16 MiB of entries wait in a queue. Further ones are counted but not shown.
// Updates of open pages use at most another fortieth. If that is too little for an update every two
// seconds, there are fewer, but one each minute. At the start, the files of the last hour are read as
// fast as one processor can.
//
// # Requests
//
// GET data.json returns everything that the page shows. The parameters are those of the page:
// range (5m, 15m or 1h), class, state, node, port, q, sort and limit. GET events is a stream of
// server-sent events, without content: each means that there is something new. Both may change
// with any version, so programs should read the files with package record instead.
package page

import (
	"context"
	"sync"
	"time"

	"github.com/go-netlog/netlog/internal/backlog"
	"github.com/go-netlog/netlog/internal/records"
)

const (
	notifyEvery = 2 * time.Second // the least time between two events
	maxAnswers  = 32              // kept for further requests
	maxAge      = time.Second     // of a kept answer
	maxProblems = 3
)

// Options are the options of a Page. The zero Options are valid.
type Options struct {
	// Dir is the directory of a filestore.Store. Its last hour is read at the start. It may
	// be empty.
	Dir string
	// Name returns the name of the node with a public ID, or "" if the page should use the name that
	// the node reports. It is called for each node and answer. It must be safe for concurrent use. It
	// may be nil.
	Name func(id string) string
	// Problem returns a text that the page shows first, for example that nothing can be stored, or
	// "". It must be safe for concurrent use. It may be nil.
	Problem func() string
	// Collector is the URL where nodes send entries. The page shows it while there are none.
	Collector string
	// AnyHost allows requests for any Host. Set it if the Handler is behind an authentication.
	AnyHost bool
}

// Page shows the traffic of the last hour. It is safe for concurrent use.
type Page struct {
	opts      Options // immutable
	end       context.CancelFunc
	done      chan struct{} // closed when run has ended
	waiting   *backlog.Backlog
	listeners listeners

	// mu guards the fields below.
	mu       sync.Mutex
	store    *store
	filling  bool
	problems []string
	cached   map[string][]byte // answers by query
	made     time.Time         // when the first of them was made
	spent    time.Duration     // on answers since the last event
}

// New returns a Page, and begins to read Options.Dir. The caller must call Close.
func New(opts Options) *Page {
	ctx, end := context.WithCancel(context.Background())
	p := &Page{
		opts: opts, end: end, done: make(chan struct{}), waiting: backlog.New(maxWaiting), store: newStore(), filling: opts.Dir != "",
	}
	start := time.Now()
	go p.run(ctx, start)
	return p
}

// Close ends the goroutine of p and its event streams.
func (p *Page) Close() {
	p.end()
	<-p.done
}

// run adds entries up until ctx ends.
func (p *Page) run(ctx context.Context, start time.Time) {
	defer close(p.done)
	defer p.listeners.close()
	p.fill(ctx, start)
	tick := time.NewTicker(notifyEvery)
	defer tick.Stop()
	var (
		rec      records.Record
		resting  <-chan time.Time
		wake     = p.waiting.Wake()
		version  uint64    // of the store at the last event
		step     int64     // of the last event
		earliest time.Time // of the next event
	)
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
			wake, resting = nil, time.After(rest(p.work(&rec)))
		case <-resting:
			wake, resting = p.waiting.Wake(), nil
		case now := <-tick.C:
			v, s := p.sweep(now), stepOf(now)
			if (v != version || s != step) && !now.Before(earliest) {
				version, step = v, s
				earliest = now.Add(rest(p.renew()))
				p.listeners.notify()
			}
		}
	}
}

// sweep forgets what is too old, and returns the version of the store.
func (p *Page) sweep(now time.Time) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.store.sweep(stepOf(now))
	return p.store.version
}

// renew forgets the answers, and returns the time spent on them.
func (p *Page) renew() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	spent := p.spent
	p.cached, p.spent = nil, 0
	return spent
}
