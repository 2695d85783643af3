package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"golang.zx2c4.com/wireguard/tun/netstack"
)

const (
	httpPort = 80
	echoPort = 7     // on the serving side, RFC 862
	echoFrom = 40007 // on the other

	closedPort = 81 // TCP; nobody listens
	deniedPort = 9  // UDP; the filters drop its packets

	patience = 500 * time.Millisecond // timeout of a message
	maxTries = 20                     // connections
)

// errCorrupt is returned if the tunnel delivers something other than what was sent.
var errCorrupt = errors.New("the tunnel did not deliver what was sent")

// zeros is an endless source of bytes.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// serve runs an HTTP server and a UDP echo server on stack until stop is called. GET /N returns N bytes, and POST
// returns the number of bytes in its body.
func serve(stack *netstack.Net, addr netip.Addr) (stop func(), err error) {
	listener, err := stack.ListenTCPAddrPort(netip.AddrPortFrom(addr, httpPort))
	if err != nil {
		return nil, err
	}
	echo, err := stack.ListenUDPAddrPort(netip.AddrPortFrom(addr, echoPort))
	if err != nil {
		listener.Close()
		return nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(answer), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{}, 2)
	go func() {
		server.Serve(listener)
		done <- struct{}{}
	}()
	go func() {
		echoUntilClosed(echo)
		done <- struct{}{}
	}()
	return func() {
		server.Close()
		echo.Close()
		<-done
		<-done
	}, nil
}

func answer(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
		return
	}
	n, err := strconv.ParseInt(r.URL.Path[1:], 10, 64)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	io.CopyN(w, zeros{}, n)
}

func echoUntilClosed(c net.PacketConn) {
	buf := make([]byte, mtu)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		c.WriteTo(buf[:n], from)
	}
}

// download fetches n bytes by HTTP.
func download(ctx context.Context, client *http.Client, server netip.Addr, n int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/%d", server, n), nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	got, err := io.Copy(io.Discard, res.Body)
	if err == nil && got != n {
		err = fmt.Errorf("%w: %d of %d bytes", errCorrupt, got, n)
	}
	return err
}

// upload sends n bytes by HTTP.
func upload(ctx context.Context, client *http.Client, server netip.Addr, n int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("http://%s/", server), io.LimitReader(zeros{}, n))
	if err != nil {
		return err
	}
	req.ContentLength = n
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(io.LimitReader(res.Body, 100))
	if err == nil && string(got) != strconv.FormatInt(n, 10) {
		err = fmt.Errorf("%w: %q of %d bytes", errCorrupt, got, n)
	}
	return err
}

// exchange sends count messages, one after another, and waits for each answer. Without an answer it tries again over
// another connection: a busy machine may lose a packet, and a ping of netstack misses an answer that arrives before
// it waits, and all later ones.
func exchange(ctx context.Context, dial func() (net.Conn, error), message []byte, count int) error {
	tries := 0
	for count > 0 {
		done, err := exchangeOver(ctx, dial, message, count)
		count -= done
		tries++
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && (tries == maxTries || !timedOut(err)):
			return err
		}
	}
	return nil
}

func timedOut(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// exchangeOver does the same over one connection, and returns how many messages were answered.
func exchangeOver(ctx context.Context, dial func() (net.Conn, error), message []byte, count int) (done int, err error) {
	c, err := dial()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.SetReadDeadline(time.Now()) })()
	buf := make([]byte, mtu)
	for ; done < count; done++ {
		c.SetReadDeadline(time.Now().Add(patience))
		if ctx.Err() != nil { // after the deadline, which may have undone that of ctx
			return done, ctx.Err()
		}
		if _, err := c.Write(message); err != nil {
			return done, err
		}
		n, err := c.Read(buf)
		if err != nil {
			return done, err
		}
		if n != len(message) {
			return done, fmt.Errorf("%w: %d of %d bytes", errCorrupt, n, len(message))
		}
	}
	return done, nil
}

// ping sends count ICMP echo requests and waits for the answers.
func ping(ctx context.Context, stack *netstack.Net, to netip.Addr, count int) error {
	const echoRequest = 8 // RFC 792; the stack fills in identifier and checksum
	message := append([]byte{echoRequest, 0, 0, 0, 0, 0, 0, 1}, make([]byte, 56)...)
	return exchange(ctx, func() (net.Conn, error) { return stack.DialPingAddr(netip.Addr{}, to) }, message, count)
}

// knock tries to connect to a port on which nobody listens.
func knock(ctx context.Context, stack *netstack.Net, to netip.Addr) error {
	c, err := stack.DialContextTCPAddrPort(ctx, netip.AddrPortFrom(to, closedPort))
	if err == nil {
		c.Close()
		return errCorrupt
	}
	return ctx.Err()
}

// discard sends UDP datagrams until f, the filter of the other side, has dropped one: a busy machine may lose them.
func discard(ctx context.Context, stack *netstack.Net, to netip.Addr, f *filter) error {
	c, err := stack.DialUDPAddrPort(netip.AddrPort{}, netip.AddrPortFrom(to, deniedPort))
	if err != nil {
		return err
	}
	defer c.Close()
	for range maxTries {
		if _, err := c.Write(make([]byte, 100)); err != nil {
			return err
		}
		for range 10 {
			if f.dropped.Load() {
				return nil
			}
			if err := wait(ctx, patience/10); err != nil {
				return err
			}
		}
	}
	return errors.New("the filter has dropped nothing")
}

// echo sends count UDP datagrams and waits for the answers. It always uses the same port, so that all rounds are one
// flow.
func echo(ctx context.Context, stack *netstack.Net, from, to netip.Addr, count int) error {
	client, server := netip.AddrPortFrom(from, echoFrom), netip.AddrPortFrom(to, echoPort)
	return exchange(ctx, func() (net.Conn, error) { return stack.DialUDPAddrPort(client, server) }, make([]byte, 500), count)
}
