package wgtun

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"strconv"
	"time"
)

// ErrBusy says that a device did not answer within a second, because it is in the
// middle of changing its state, or because the question was asked from inside such
// a change, by its Bind for instance.
var ErrBusy = errors.New("wgtun: the device is busy")

// askTimeout bounds how long anyone here waits for a device. wireguard-go answers
// in microseconds, but holds its locks through Up, Down and Close, and through the
// calls to its Bind that these make: a wait without a bound would be a deadlock
// for a caller inside one of them.
const askTimeout = time.Second

// configSource is the one method of *device.Device that is needed here.
type configSource interface {
	IpcGetOperation(w io.Writer) error
}

// peer is what the configuration of a device tells about one peer.
type peer struct {
	key      string         // the public key, an identity and nothing else here
	endpoint netip.AddrPort // zero where none is known, or where the Bind names it in a way of its own
	tx, rx   uint64         // bytes on the encrypted transport since the peer was added
	allowed  []netip.Prefix
}

// address returns the lowest allowed IP that is a single address, which is how
// the VPN knows the peer, with port 0. It is zero where there is none, as for a
// peer that is only a gateway.
func (p *peer) address() netip.AddrPort {
	var lowest netip.Addr
	for _, prefix := range p.allowed {
		if a := prefix.Addr(); prefix.IsSingleIP() && (!lowest.IsValid() || a.Less(lowest)) {
			lowest = a
		}
	}
	if !lowest.IsValid() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(lowest, 0)
}

// ask reads the peers of dev, in no order, and returns when use has been called with
// them, once and from another goroutine. After askTimeout it returns ErrBusy, and use
// is called when dev answers. An error means that the peers are not all there.
func ask(dev configSource, use func([]peer, error)) error {
	done := make(chan error, 1) // room for an answer that nobody waits for any more
	go func() {
		var c configReader
		err := dev.IpcGetOperation(&c)
		use(c.peers, err)
		done <- err
	}()
	timeout := time.NewTimer(askTimeout)
	defer timeout.Stop()
	select {
	case err := <-done:
		return err
	case <-timeout.C:
		return ErrBusy
	}
}

// configReader is an io.Writer that understands the text of IpcGetOperation,
// "key=value" lines in which "public_key" begins a peer
// (https://www.wireguard.com/xplatform/). It keeps no secret: the lines
// private_key and preshared_key are passed over without looking at their values.
type configReader struct {
	peers   []peer
	partial []byte // of a line cut by the end of a Write
}

// Write reads the lines of p. It never fails.
func (c *configReader) Write(p []byte) (int, error) {
	n := len(p)
	for {
		line, rest, found := bytes.Cut(p, []byte("\n"))
		if !found {
			c.partial = append(c.partial, line...)
			return n, nil
		}
		if len(c.partial) > 0 {
			c.readLine(append(c.partial, line...))
			clear(c.partial)
			c.partial = c.partial[:0]
		} else {
			c.readLine(line)
		}
		p = rest
	}
}

func (c *configReader) readLine(line []byte) {
	key, value, _ := bytes.Cut(line, []byte("="))
	if string(key) == "public_key" {
		c.peers = append(c.peers, peer{key: string(value)})
		return
	}
	if len(c.peers) == 0 {
		return // the lines of the device itself, private_key among them
	}
	p := &c.peers[len(c.peers)-1]
	switch string(key) {
	case "endpoint":
		if ap, err := netip.ParseAddrPort(string(value)); err == nil {
			// A zone names an interface of this machine, which says nothing to the reader of a record.
			p.endpoint = netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
		}
	case "tx_bytes":
		p.tx, _ = strconv.ParseUint(string(value), 10, 64)
	case "rx_bytes":
		p.rx, _ = strconv.ParseUint(string(value), 10, 64)
	case "allowed_ip":
		if prefix, err := netip.ParsePrefix(string(value)); err == nil {
			p.allowed = append(p.allowed, prefix)
		}
	}
}
