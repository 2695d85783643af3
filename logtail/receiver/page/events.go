package page

import (
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	maxListeners = 64               // event streams at once
	beatEvery    = 20 * time.Second // so that a lost connection is noticed
	writeWait    = 10 * time.Second
)

// listeners are the event streams. The zero listeners is ready.
type listeners struct {
	mu     sync.Mutex // guards the fields below
	all    map[chan struct{}]bool
	closed bool
}

// add adds a stream, or returns nil if there are too many. notify sends to it, and close closes it.
func (l *listeners) add() chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.all) >= maxListeners {
		return nil
	}
	if l.all == nil {
		l.all = make(map[chan struct{}]bool)
	}
	c := make(chan struct{}, 1)
	l.all[c] = true
	return c
}

func (l *listeners) remove(c chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, c)
}

// notify sends to all streams. It never waits.
func (l *listeners) notify() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.all {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// close ends all streams.
func (l *listeners) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.all {
		close(c)
	}
	l.all, l.closed = nil, true
}

// serveEvents sends an event whenever there is something new, until the client disconnects.
func (p *Page) serveEvents(w http.ResponseWriter, r *http.Request) {
	news := p.listeners.add()
	if news == nil {
		w.Header().Set("Retry-After", "10")
		http.Error(w, "too many pages are open: close some", http.StatusServiceUnavailable)
		return
	}
	defer p.listeners.remove(news)
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return
	}
	// The timeouts of a server are for requests that end.
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Time{})
	send := func(text string) bool {
		control.SetWriteDeadline(time.Now().Add(writeWait))
		_, err := io.WriteString(w, text)
		return err == nil && control.Flush() == nil
	}
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for ok := send("retry: 2000\n\n"); ok; {
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			ok = send(":\n\n")
		case _, open := <-news:
			ok = open && send("event: news\ndata:\n\n")
		}
	}
}
