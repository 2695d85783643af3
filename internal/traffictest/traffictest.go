// Package traffictest moves packets for tests: it sends every kind of traffic, and answers it.
package traffictest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"
)

const (
	echoPort = 7
	patience = 10 * time.Second // for an answer
	transfer = time.Minute      // for the answers of a connection

	// DiscardPort is the port of blasts, which are not answered.
	DiscardPort = 9
)

// Traffic describes packets to send, and their answers.
type Traffic struct {
	Kind  string // tcp, udp, blast or ping
	To    netip.Addr
	Count int // tcp: bytes in each direction; udp: datagrams, each sent after the answer to the one before; blast: datagrams, without answers
	Size  int // of a datagram or ping
	Burst int // datagrams of a blast between two pauses, in which queues empty; 0: no pauses
}

// Move sends the traffic from the network namespace of the calling thread, and waits for the answers.
func (tr Traffic) Move() error {
	var err error
	switch tr.Kind {
	case "tcp":
		err = tr.tcp()
	case "udp":
		err = tr.udp()
	case "blast":
		err = tr.blast()
	case "ping":
		err = tr.ping()
	default:
		err = errors.New("no such traffic")
	}
	if err != nil {
		return fmt.Errorf("%+v: %w", tr, err)
	}
	return nil
}

func (tr Traffic) tcp() error {
	c, err := net.DialTimeout("tcp", netip.AddrPortFrom(tr.To, echoPort).String(), patience)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(transfer))
	sent := make(chan error, 1)
	go func() {
		buf := make([]byte, 64<<10)
		for left := tr.Count; left > 0; {
			n, err := c.Write(buf[:min(left, len(buf))])
			if err != nil {
				sent <- err
				return
			}
			left -= n
		}
		sent <- c.(*net.TCPConn).CloseWrite()
	}()
	n, err := io.Copy(io.Discard, c)
	if err == nil && n != int64(tr.Count) {
		err = fmt.Errorf("%d bytes came back", n)
	}
	return errors.Join(err, <-sent)
}

func (tr Traffic) udp() error {
	c, err := net.Dial("udp", netip.AddrPortFrom(tr.To, echoPort).String())
	if err != nil {
		return err
	}
	defer c.Close()
	buf := make([]byte, tr.Size)
	for range tr.Count {
		if _, err := c.Write(buf); err != nil {
			return err
		}
		c.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.ReadFull(c, buf); err != nil {
			return err
		}
	}
	return nil
}

func (tr Traffic) blast() error {
	c, err := net.Dial("udp", netip.AddrPortFrom(tr.To, DiscardPort).String())
	if err != nil {
		return err
	}
	defer c.Close()
	buf := make([]byte, tr.Size)
	for i := range tr.Count {
		if _, err := c.Write(buf); err != nil {
			return err
		}
		if tr.Burst > 0 && i%tr.Burst == 0 {
			time.Sleep(5 * time.Millisecond)
		}
	}
	return nil
}

// ping sends echo requests (RFC 792, RFC 4443), each after the answer to the one before.
func (tr Traffic) ping() error {
	network, request, reply := "ip4:icmp", byte(8), byte(0)
	if tr.To.Is6() {
		network, request, reply = "ip6:ipv6-icmp", 128, 129
	}
	c, err := net.Dial(network, tr.To.String())
	if err != nil {
		return err
	}
	defer c.Close()
	message, buf := make([]byte, tr.Size), make([]byte, 64<<10)
	for seq := range tr.Count {
		clear(message[:8])
		message[0] = request
		binary.BigEndian.PutUint16(message[6:], uint16(seq))
		binary.BigEndian.PutUint16(message[2:], Checksum(message)) // the kernel computes that of ICMPv6
		if _, err := c.Write(message); err != nil {
			return err
		}
		c.SetReadDeadline(time.Now().Add(patience))
		for {
			n, _, err := c.(*net.IPConn).ReadFromIP(buf)
			if err != nil {
				return err
			}
			if n == tr.Size && buf[0] == reply && binary.BigEndian.Uint16(buf[6:]) == uint16(seq) {
				break
			}
		}
	}
	return nil
}

// Checksum returns the Checksum of RFC 1071. The number of bytes must be even.
func Checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	sum = sum>>16 + sum&0xffff
	return ^uint16(sum>>16 + sum)
}

// Serve answers traffic to all addresses of the network namespace of the calling thread until stop is called.
func Serve() (stop func(), err error) {
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", echoPort))
	if err != nil {
		return nil, err
	}
	echo, err := net.ListenPacket("udp", fmt.Sprintf(":%d", echoPort))
	if err != nil {
		return nil, err
	}
	discard, err := net.ListenPacket("udp", fmt.Sprintf(":%d", DiscardPort))
	if err != nil {
		return nil, err
	}
	go acceptEcho(listener)
	go answerEcho(echo)
	go io.Copy(io.Discard, discard.(*net.UDPConn))
	return func() {
		listener.Close()
		echo.Close()
		discard.Close()
	}, nil
}

func acceptEcho(listener net.Listener) {
	for {
		c, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			io.Copy(c, c)
		}()
	}
}

func answerEcho(c net.PacketConn) {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		c.WriteTo(buf[:n], from)
	}
}
