package netlog

import (
	"context"
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
	transport *http.Transport // ours; nil where the caller has a client

	mu    sync.Mutex        // guards conns
	conns []flowtrack.Tuple // oldest first, at most maxOwnConns; an unspecified source address stands for any
}

const (
	// maxOwnConns bounds the connections remembered. There is one at a time; the
	// others are those whose last packets may still be in a window.
	maxOwnConns = 16

	dialTimeout = 15 * time.Second
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
		o.transport.DialContext = o.dial
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

// dial is the DialContext of our own transport.
func (o *ownConns) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout, ControlContext: o.dialing}
	conn, err := dialer.DialContext(ctx, network, address)
	if err == nil {
		o.established(conn)
	}
	return conn, err
}

// dialing learns the local port of a connection before its first packet.
func (o *ownConns) dialing(_ context.Context, network, address string, raw syscall.RawConn) error {
	remote, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil // not ours to report: the dial itself will
	}
	remote = netip.AddrPortFrom(remote.Addr().Unmap().WithZone(""), remote.Port())
	return raw.Control(func(fd uintptr) {
		if port, ok := bindAnyPort(fd, network); ok {
			o.add(flowtrack.Tuple{Proto: flowtrack.TCP, Src: netip.AddrPortFrom(netip.IPv6Unspecified(), port), Dst: remote})
		}
	})
}

// established learns the exact 5-tuple of a connection, which takes the place of
// what its dial has told.
func (o *ownConns) established(conn net.Conn) {
	local, ok1 := tcpAddr(conn.LocalAddr())
	remote, ok2 := tcpAddr(conn.RemoteAddr())
	if !ok1 || !ok2 {
		return
	}
	exact := flowtrack.Tuple{Proto: flowtrack.TCP, Src: local, Dst: remote}
	o.mu.Lock()
	o.conns = slices.DeleteFunc(o.conns, func(t flowtrack.Tuple) bool { return dialed(t) && owns(t, exact) })
	o.mu.Unlock()
	o.add(exact)
}

// dialed reports whether conn is a connection of which the source address is not known.
func dialed(conn flowtrack.Tuple) bool { return conn.Src.Addr().IsUnspecified() }

// owns reports whether t is a flow of conn.
func owns(conn, t flowtrack.Tuple) bool {
	if dialed(conn) {
		conn.Src = netip.AddrPortFrom(t.Src.Addr(), conn.Src.Port())
	}
	return conn == t
}

func (o *ownConns) add(t flowtrack.Tuple) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if slices.Contains(o.conns, t) {
		return
	}
	if len(o.conns) == maxOwnConns {
		o.conns = slices.Delete(o.conns, 0, 1)
	}
	o.conns = append(o.conns, t)
}

// remove takes the flows of our own connections out of flows and returns their sum.
func (o *ownConns) remove(flows map[flowtrack.Tuple]tunstats.Counts) (sum tunstats.Counts) {
	if len(flows) == 0 {
		return sum
	}
	o.mu.Lock()
	conns := slices.Clone(o.conns)
	o.mu.Unlock()
	take := func(t flowtrack.Tuple) {
		if c, ok := flows[t]; ok {
			sum = sum.Add(c)
			delete(flows, t)
		}
	}
	for _, conn := range conns {
		take(conn)
	}
	// Dials that failed or are under way are rare, and the only ones to search for.
	conns = slices.DeleteFunc(conns, func(t flowtrack.Tuple) bool { return !dialed(t) })
	if len(conns) == 0 {
		return sum
	}
	for t := range flows {
		if slices.ContainsFunc(conns, func(conn flowtrack.Tuple) bool { return owns(conn, t) }) {
			take(t)
		}
	}
	return sum
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

// tcpAddr returns a as packets show it: without a zone, IPv4 as IPv4.
func tcpAddr(a net.Addr) (netip.AddrPort, bool) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}, false
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port()), true
}
