package serve

import (
	"container/list"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/hosts"
)

const (
	maxConns   = 16 << 10
	maxUIConns = 64  // of the page and the metrics
	spareFiles = 128 // file descriptors that are not for connections
)

// connLimits returns how many connections there may be if the process may open files: of nodes, and of
// the page and the metrics.
func connLimits(files uint64) (nodes, ui int) {
	u := min(files/8, maxUIConns)
	files -= u
	return int(min(maxConns, max(files-min(files, spareFiles), files/2))), int(u)
}

// connLimiter is a Listener that limits the open connections, in total and of one address.
// A connection beyond a limit replaces one that waits for a request: the oldest whose last
// request was not accepted, or else the one that has waited longest. If there is none, the new
// connection is closed.
type connLimiter struct {
	net.Listener
	most    int // in total
	mostOne int // of one address

	// mu guards the fields below, and those of the connections.
	mu     sync.Mutex
	open   map[*conn]bool
	byAddr map[netip.Addr]int
	new    list.List // connections that wait for a request, and whose last one was not accepted
	idle   list.List // connections that wait for a request, and whose last one was accepted
	ended  bool
}

// limitConns limits the open connections of l.
func limitConns(l net.Listener, most, mostOne int) *connLimiter {
	return &connLimiter{
		Listener: l, most: most, mostOne: max(1, mostOne),
		open: make(map[*conn]bool), byAddr: make(map[netip.Addr]int),
	}
}

// conn is a connection of a connLimiter.
type conn struct {
	net.Conn
	limiter *connLimiter
	from    netip.Addr

	// The fields below are guarded by limiter.mu.
	waits   *list.List    // new, idle, or nil during a request
	element *list.Element // in waits
	reading bool          // the body of the request has not arrived
}

// Accept implements [net.Listener].
func (l *connLimiter) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: inner, limiter: l, from: hosts.Network(inner.RemoteAddr().String())}
		replaced, ok := l.admit(c)
		if replaced != nil {
			replaced.Conn.Close()
		}
		if ok {
			return c, nil
		}
		inner.Close()
	}
}

// admit adds c if there is room, or if another connection can be closed, which it returns.
func (l *connLimiter) admit(c *conn) (replaced *conn, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ofOne := l.byAddr[c.from] >= l.mostOne
	switch {
	case l.ended:
		return nil, false
	case ofOne || len(l.open) >= l.most:
		if replaced = l.oldest(ofOne, c.from); replaced == nil {
			return nil, false
		}
		l.remove(replaced)
	}
	l.open[c] = true
	l.byAddr[c.from]++
	l.wait(c, &l.new)
	return replaced, true
}

// oldest returns the connection to be replaced, or nil. If ofOne is set, it is one from addr.
func (l *connLimiter) oldest(ofOne bool, addr netip.Addr) *conn {
	for _, waiting := range []*list.List{&l.new, &l.idle} {
		for e := waiting.Front(); e != nil; e = e.Next() {
			if c := e.Value.(*conn); !ofOne || c.from == addr {
				return c
			}
		}
	}
	return nil
}

// wait moves c to the end of a list, or to none.
func (l *connLimiter) wait(c *conn, waits *list.List) {
	if c.waits != nil {
		c.waits.Remove(c.element)
	}
	if c.waits = waits; waits != nil {
		c.element = waits.PushBack(c)
	}
}

// remove removes c, which may have been removed before.
func (l *connLimiter) remove(c *conn) {
	if !l.open[c] {
		return
	}
	delete(l.open, c)
	l.wait(c, nil)
	if l.byAddr[c.from]--; l.byAddr[c.from] == 0 {
		delete(l.byAddr, c.from)
	}
}

// Close implements [net.Conn].
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.limiter.mu.Lock()
	defer c.limiter.mu.Unlock()
	c.limiter.remove(c)
	return err
}

// set changes the state of c, unless it was closed.
func (c *conn) set(waits *list.List, reading bool) {
	c.limiter.mu.Lock()
	defer c.limiter.mu.Unlock()
	if c.limiter.open[c] {
		c.limiter.wait(c, waits)
		c.reading = reading
	}
}

// end closes the connections that wait for a request, and from now on every new one.
func (l *connLimiter) end() {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.closeIf(func(c *conn) bool { return c.waits != nil })
}

// endBodies closes the connections of requests whose bodies have not arrived.
func (l *connLimiter) endBodies() {
	l.closeIf(func(c *conn) bool { return c.reading })
}

// closeIf closes the connections that match.
func (l *connLimiter) closeIf(match func(*conn) bool) {
	var matched []*conn
	l.mu.Lock()
	for c := range l.open {
		if match(c) {
			matched = append(matched, c)
			l.remove(c)
		}
	}
	l.mu.Unlock()
	for _, c := range matched {
		c.Conn.Close()
	}
}

// unanswered returns the number of requests in progress.
func (l *connLimiter) unanswered() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		if c.waits == nil {
			n++
		}
	}
	return n
}

// Timeouts for the end. With viewTimeout, they are shorter than the 10 s that a container
// usually has.
const (
	bodyTimeout  = 2 * time.Second // for bodies that are arriving
	storeTimeout = 7 * time.Second // for requests that have arrived
)

// endRequests ends srv, whose connections are conns. Requests in progress are finished, new
// ones are refused. It returns an error if a request that has arrived could not be stored.
func endRequests(srv *http.Server, conns *connLimiter) error {
	conns.end()
	defer time.AfterFunc(bodyTimeout, conns.endBodies).Stop()
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	err := srv.Shutdown(ctx)
	if ctx.Err() == nil {
		return err
	}
	n := conns.unanswered()
	if err = srv.Close(); n > 0 {
		err = fmt.Errorf("%s could not be stored in %v; the nodes send them again", flowtable.Plural(n, "request"), storeTimeout)
	}
	return err
}
