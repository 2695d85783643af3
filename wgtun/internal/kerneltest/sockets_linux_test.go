package kerneltest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// dataBytes is what a node sends at once: some segments, which offload merges.
const dataBytes = 20_000

// step is something that a node does with its end of a TCP connection.
type step struct {
	Do            string // see node.step
	Local, Remote netip.AddrPort
}

// sockets holds the sockets of a node, by local address.
type sockets map[netip.AddrPort]*socket

type socket struct {
	listener *net.TCPListener
	conn     *net.TCPConn
	dialed   chan error // receives the result of a dial, after conn is set
	cancel   context.CancelFunc
}

// step does a step. It waits only where this is said.
func (n *node) step(st step) error {
	switch st.Do {
	case "open", "hold", "drop":
		return n.gate.set(st.Do)
	}
	s := n.sockets[st.Local]
	if s == nil {
		s = &socket{dialed: make(chan error, 1)}
		n.sockets[st.Local] = s
	}
	if err := s.do(st); err != nil {
		return fmt.Errorf("%s at %v: %w", st.Do, st.Local, err)
	}
	return nil
}

func (s *socket) do(st step) (err error) {
	switch st.Do {
	case "listen":
		s.listener, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(st.Local))
	case "accept": // waits for a connection
		s.listener.SetDeadline(time.Now().Add(patience))
		s.conn, err = s.listener.AcceptTCP()
	case "begin": // to connect
		s.begin(st)
	case "connected": // waits until the connection that was begun is established
		err = <-s.dialed
	case "connect": // begin and connected
		s.begin(st)
		err = <-s.dialed
	case "refused": // begins to connect and waits until this is refused
		s.begin(st)
		err = want(<-s.dialed, syscall.ECONNREFUSED)
	case "cancel": // ends an attempt to connect
		s.cancel()
		err = want(<-s.dialed, context.Canceled)
	default:
		s.conn.SetDeadline(time.Now().Add(patience))
		err = use(s.conn, st.Do)
	}
	return err
}

// use does a step with an established connection.
func use(c *net.TCPConn, do string) (err error) {
	switch do {
	case "send":
		_, err = c.Write(make([]byte, dataBytes))
	case "receive": // waits for what the other end sends
		_, err = io.ReadFull(c, make([]byte, dataBytes))
	case "end": // of what this node sends
		err = c.CloseWrite()
	case "ended": // waits for the end of what the other end sends
		_, err = io.Copy(io.Discard, c)
	case "close":
		err = c.Close()
	case "reset":
		c.SetLinger(0)
		err = c.Close()
	case "broken": // waits for a reset
		_, err = io.Copy(io.Discard, c)
		err = errors.Join(want(err, syscall.ECONNRESET), c.Close())
	default:
		err = errors.New("no such step")
	}
	return err
}

// want returns nil if err is target.
func want(err, target error) error {
	if errors.Is(err, target) {
		return nil
	}
	return fmt.Errorf("got %v, want %v", err, target)
}

// begin starts to connect. While the last connection from the same port is being closed, it tries
// again.
func (s *socket) begin(st step) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	s.cancel = cancel
	dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(st.Local), Control: reuseAddress}
	go func() {
		defer cancel()
		c, err := dialer.DialContext(ctx, "tcp", st.Remote.String())
		for errors.Is(err, syscall.EADDRNOTAVAIL) {
			time.Sleep(time.Millisecond)
			c, err = dialer.DialContext(ctx, "tcp", st.Remote.String())
		}
		if err == nil {
			s.conn = c.(*net.TCPConn)
		}
		s.dialed <- err
	}()
}

// reuseAddress lets a port be used again at once.
func reuseAddress(_, _ string, c syscall.RawConn) (err error) {
	if controlErr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	}); controlErr != nil {
		return controlErr
	}
	return err
}
