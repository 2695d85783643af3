package netlog

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

// ownConns knows the connections of our own uploads by their exact 5-tuples, so
// that they can be left out of the records: where the collector is reached
// through the tunnel, the upload of one window would otherwise be the traffic of
// the next, for ever.
//
// A connection is known from its first packet where the transport is our own and
// the system lets a socket be bound before it connects, and otherwise from the
// moment it is established.
type ownConns struct {
	transport *http.Transport // ours; nil where the caller's client has one

	mu     sync.Mutex // guards the fields below
	conns  []ownConn  // oldest first, at most maxOwnConns
	window int        // how many windows had flows
}

// ownConn is one connection. While it is being dialed its source address is not
// known: the unspecified address stands for each of the node's own.
type ownConn struct {
	flowtrack.Tuple
	dial *dial // nil once it is established
}

// dial is one call of dial, which may try several addresses.
type dial struct {
	last int // the last window that can hold packets of it; 0: it goes on
}

const (
	// maxOwnConns bounds the connections remembered. There is one at a time; the
	// others are those whose last packets may still be in a window.
	maxOwnConns = 16

	// afterDial is how many windows can hold packets of a dial that has ended: the
	// one in which it did, and the next, for answers that come late.
	afterDial = 2

	dialTimeout = 15 * time.Second // as that of NewTransport, whose dialer has to make way
	idleTimeout = 10 * time.Second // a Logger with nothing to upload keeps no connection
)

// client returns a copy of c that reports its connections. Where c is nil, or has
// no Transport, it is one over our own.
func (o *ownConns) client(c *http.Client) *http.Client {
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

// closeIdle closes the idle connections of our own transport.
func (o *ownConns) closeIdle() {
	if o.transport != nil {
		o.transport.CloseIdleConnections()
	}
}

// dialContext is the DialContext of our own transport.
func (o *ownConns) dialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d := new(dial)
	dialer := net.Dialer{
		Timeout: dialTimeout,
		ControlContext: func(_ context.Context, network, address string, raw syscall.RawConn) error {
			return o.dialing(d, network, address, raw)
		},
	}
	conn, err := dialer.DialContext(ctx, network, address)
	if err == nil {
		o.established(conn)
	}
	o.mu.Lock()
	d.last = o.window + afterDial
	o.mu.Unlock()
	return conn, err
}

// dialing learns the local port of a connection before its first packet.
func (o *ownConns) dialing(d *dial, network, address string, raw syscall.RawConn) error {
	remote, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil // not ours to report: the dial itself will
	}
	return raw.Control(func(fd uintptr) {
		if port, ok := bindAnyPort(fd, network); ok {
			src := netip.AddrPortFrom(netip.IPv6Unspecified(), port)
			o.add(ownConn{flowtrack.Tuple{Proto: flowtrack.TCP, Src: src, Dst: plain(remote)}, d})
		}
	})
}

// established learns the exact 5-tuple of a connection, which takes the place of
// what its dial has told.
func (o *ownConns) established(conn net.Conn) {
	local, ok1 := conn.LocalAddr().(*net.TCPAddr)
	remote, ok2 := conn.RemoteAddr().(*net.TCPAddr)
	if !ok1 || !ok2 {
		return
	}
	exact := flowtrack.Tuple{Proto: flowtrack.TCP, Src: plain(local.AddrPort()), Dst: plain(remote.AddrPort())}
	o.mu.Lock()
	o.conns = slices.DeleteFunc(o.conns, func(c ownConn) bool { return c.dial != nil && c.from(exact.Src.Addr()) == exact })
	o.mu.Unlock()
	o.add(ownConn{Tuple: exact})
}

// from returns the flow of c, being dialed, if a is its source address.
func (c ownConn) from(a netip.Addr) flowtrack.Tuple {
	c.Src = netip.AddrPortFrom(a, c.Src.Port())
	return c.Tuple
}

func (o *ownConns) add(c ownConn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if slices.Contains(o.conns, c) {
		return
	}
	if len(o.conns) == maxOwnConns {
		o.conns = slices.Delete(o.conns, 0, 1)
	}
	o.conns = append(o.conns, c)
}

// remove takes the flows of our own connections out of those of one window and
// returns their sum. own are the node's addresses; where none is known, a dial has
// any source.
func (o *ownConns) remove(flows map[flowtrack.Tuple]tunstats.Counts, own []netip.Addr) (sum tunstats.Counts) {
	if len(flows) == 0 {
		return sum
	}
	take := func(t flowtrack.Tuple) {
		if c, ok := flows[t]; ok {
			sum = sum.Add(c)
			delete(flows, t)
		}
	}
	for _, c := range o.ofWindow() {
		if c.dial == nil {
			take(c.Tuple)
			continue
		}
		if len(own) == 0 {
			own = sources(flows)
		}
		for _, a := range own {
			take(c.from(a))
		}
	}
	return sum
}

// ofWindow returns the connections that a window may hold packets of, and forgets
// those that the next one cannot.
func (o *ownConns) ofWindow() []ownConn {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.window++
	conns := slices.Clone(o.conns)
	o.conns = slices.DeleteFunc(o.conns, func(c ownConn) bool {
		return c.dial != nil && c.dial.last != 0 && c.dial.last <= o.window
	})
	return conns
}

// sources returns the distinct source addresses of flows.
func sources(flows map[flowtrack.Tuple]tunstats.Counts) []netip.Addr {
	seen := make(map[netip.Addr]bool)
	for t := range flows {
		seen[t.Src.Addr()] = true
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
