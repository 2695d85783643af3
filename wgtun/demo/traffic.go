package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.zx2c4.com/wireguard/tun/netstack"
)

const (
	httpPort = 80
	echoPort = 7

	patience = time.Second // with a message that has no answer
	maxTries = 5           // of a message
)

// errCorrupt says that the tunnel delivered something other than what was sent.
var errCorrupt = errors.New("the tunnel did not deliver what was sent")

// zeros is an endless source of bytes.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// serve runs an HTTP server and a UDP echo on stack, until stop is called.
// GET /N answers N bytes, POST answers how many bytes it was given.
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

// exchange sends count messages over c, each when the answer to the one before has
// come. What is lost on the way, as happens on a busy machine, is sent again.
func exchange(ctx context.Context, c net.Conn, message []byte, count int) error {
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.SetReadDeadline(time.Now()) })()
	for range count {
		err := exchangeOnce(ctx, c, message)
		for tries := 1; tries < maxTries && errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil; tries++ {
			err = exchangeOnce(ctx, c, message)
		}
		if err != nil {
			return cmp.Or(ctx.Err(), err)
		}
	}
	return nil
}

func exchangeOnce(ctx context.Context, c net.Conn, message []byte) error {
	c.SetReadDeadline(time.Now().Add(patience))
	if ctx.Err() != nil { // after the deadline, which may have undone that of ctx
		return ctx.Err()
	}
	if _, err := c.Write(message); err != nil {
		return err
	}
	n, err := c.Read(make([]byte, mtu))
	if err == nil && n != len(message) {
		err = fmt.Errorf("%w: %d of %d bytes", errCorrupt, n, len(message))
	}
	return err
}

// ping sends count ICMP echo requests and waits for the answers.
func ping(ctx context.Context, stack *netstack.Net, to netip.Addr, count int) error {
	c, err := stack.DialPingAddr(netip.Addr{}, to)
	if err != nil {
		return err
	}
	const echoRequest = 8 // RFC 792; the stack fills in identifier and checksum
	return exchange(ctx, c, append([]byte{echoRequest, 0, 0, 0, 0, 0, 0, 1}, make([]byte, 56)...), count)
}

// echo sends count UDP datagrams and waits for the answers.
func echo(ctx context.Context, stack *netstack.Net, to netip.Addr, count int) error {
	c, err := stack.DialUDPAddrPort(netip.AddrPort{}, netip.AddrPortFrom(to, echoPort))
	if err != nil {
		return err
	}
	return exchange(ctx, c, make([]byte, 500), count)
}
