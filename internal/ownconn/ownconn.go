// Package ownconn recognizes the connections of our own uploads among the flows of a
// device.
package ownconn

import (
	"context"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/tunstats"
)

// Tracker knows the exact 5-tuples of our upload connections. If the collector is reached
// through the tunnel, the upload of one window would otherwise be traffic of the next,
// forever.
//
// A connection is known before its first packet if the transport is our own and the
// system can bind a socket before it connects. Otherwise it is known once it is
// established. The zero Tracker is ready to use; Client must be called once.
type Tracker struct {
	transport *http.Transport // ours; nil if the caller's client has one

	mu     sync.Mutex // guards the fields below
	conns  []conn     // oldest first, at most maxConns
	window int        // number of windows with flows
}

// conn is one connection. While it is being dialed, its source address is not known: the
// unspecified address stands for any of the node's own addresses.
type conn struct {
	flowtrack.Tuple
	dial *dial // nil once the connection is established
}

// dial is one call of dialContext, which may try several addresses.
type dial struct {
	last int // the last window that can contain its packets; 0 while it goes on
}

const (
	// maxConns bounds the number of remembered connections. Only one is in use at a time;
	// the last packets of the others may still be in a window.
	maxConns = 16

	// afterDial is how many windows can contain packets of a finished dial: the window
	// in which it finished and the next, for late answers.
	afterDial = 2

	dialTimeout = 15 * time.Second // that of logtail.NewTransport, whose dialer is replaced
	idleTimeout = 10 * time.Second // after it, an idle Logger has no connection
)

// Client returns a copy of c that reports its connections. If c is nil or has no
// Transport, the copy uses a transport of our own.
func (o *Tracker) Client(c *http.Client) *http.Client {
	var reporting http.Client
	if c != nil {
		reporting = *c
	}
	if reporting.Transport == nil {
		o.transport = logtail.NewTransport()
		o.transport.IdleConnTimeout = idleTimeout
		o.transport.DialContext = o.dialContext
		reporting.Transport = o.transport
		return &reporting
	}
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { o.established(info.Conn) }}
	reporting.Transport = tracedTransport{reporting.Transport, trace}
	return &reporting
}

// CloseIdle closes the idle connections of our own transport. A nil Tracker has none.
func (o *Tracker) CloseIdle() {
	if o != nil && o.transport != nil {
		o.transport.CloseIdleConnections()
	}
}

// dialContext is the DialContext of our own transport.
func (o *Tracker) dialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d := new(dial)
	dialer := net.Dialer{
		Timeout: dialTimeout,
		ControlContext: func(_ context.Context, network, address string, raw syscall.RawConn) error {
			return o.dialing(d, network, address, raw)
		},
	}
	c, err := dialer.DialContext(ctx, network, address)
	if err == nil {
		o.established(c)
	}
	o.mu.Lock()
	d.last = o.window + afterDial
	o.mu.Unlock()
	return c, err
}

// dialing binds a socket to a local port before its first packet, and remembers it.
func (o *Tracker) dialing(d *dial, network, address string, raw syscall.RawConn) error {
	remote, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil // the dial itself reports it
	}
	return raw.Control(func(fd uintptr) {
		if port, ok := bindAnyPort(fd, network); ok {
			src := netip.AddrPortFrom(netip.IPv6Unspecified(), port)
			o.add(conn{flowtrack.Tuple{Proto: flowtrack.TCP, Src: src, Dst: plain(remote)}, d})
		}
	})
}

// established remembers the exact 5-tuple of a connection, in place of its dial.
func (o *Tracker) established(c net.Conn) {
	local, ok1 := c.LocalAddr().(*net.TCPAddr)
	remote, ok2 := c.RemoteAddr().(*net.TCPAddr)
	if !ok1 || !ok2 {
		return
	}
	exact := flowtrack.Tuple{Proto: flowtrack.TCP, Src: plain(local.AddrPort()), Dst: plain(remote.AddrPort())}
	o.mu.Lock()
	o.conns = slices.DeleteFunc(o.conns, func(c conn) bool { return c.dial != nil && c.from(exact.Src.Addr()) == exact })
	o.mu.Unlock()
	o.add(conn{Tuple: exact})
}

// from returns the flow of c if its source address is a.
func (c conn) from(a netip.Addr) flowtrack.Tuple {
	c.Src = netip.AddrPortFrom(a, c.Src.Port())
	return c.Tuple
}

func (o *Tracker) add(c conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if slices.Contains(o.conns, c) {
		return
	}
	if len(o.conns) == maxConns {
		o.conns = slices.Delete(o.conns, 0, 1)
	}
	o.conns = append(o.conns, c)
}

// Remove deletes the flows of our own connections from the flows of a window and from those
// that were denied in it, and returns the two sums. own lists the node's addresses. If it is
// empty, a connection that is being dialed may have any source.
func (o *Tracker) Remove(flows, denied map[flowtrack.Tuple]tunstats.Counts, own []netip.Addr) (sum, deniedSum tunstats.Counts) {
	if len(flows)+len(denied) == 0 {
		return sum, deniedSum
	}
	take := func(t flowtrack.Tuple) {
		sum, deniedSum = sum.Add(flows[t]), deniedSum.Add(denied[t])
		delete(flows, t)
		delete(denied, t)
	}
	for _, c := range o.ofWindow() {
		if c.dial == nil {
			take(c.Tuple)
			continue
		}
		if len(own) == 0 {
			own = sources(flows, denied)
		}
		for _, a := range own {
			take(c.from(a))
		}
	}
	return sum, deniedSum
}

// ofWindow returns the connections whose packets may be in the window, and forgets those
// whose packets cannot be in the next.
func (o *Tracker) ofWindow() []conn {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.window++
	conns := slices.Clone(o.conns)
	o.conns = slices.DeleteFunc(o.conns, func(c conn) bool {
		return c.dial != nil && c.dial.last != 0 && c.dial.last <= o.window
	})
	return conns
}

// sources returns the distinct source addresses of all flows.
func sources(all ...map[flowtrack.Tuple]tunstats.Counts) []netip.Addr {
	seen := make(map[netip.Addr]bool)
	for _, flows := range all {
		for t := range flows {
			seen[t.Src.Addr()] = true
		}
	}
	return slices.Collect(maps.Keys(seen))
}

// tracedTransport reports the connection of each request to trace.
type tracedTransport struct {
	http.RoundTripper
	trace *httptrace.ClientTrace
}

// RoundTrip implements [http.RoundTripper].
func (t tracedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.RoundTripper.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), t.trace)))
}

// plain returns a as it occurs in packets: IPv4 as IPv4, without a zone.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}
