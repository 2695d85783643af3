package wgtun

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"strconv"
	"time"

	"github.com/go-netlog/netlog/internal/wgpeer"
)

// ErrBusy is returned if a device does not answer within a second: because its state is changing, or because
// the call comes from inside such a change, for example from its Bind.
var ErrBusy = errors.New("wgtun: the device is busy")

// askTimeout bounds the wait for a device. wireguard-go answers in microseconds, but holds its locks during Up,
// Down and Close, and while these call its Bind. Waiting without a bound would be a deadlock for a caller
// inside them.
const askTimeout = time.Second

// configSource has the only method of *device.Device that this package needs.
type configSource interface {
	IpcGetOperation(w io.Writer) error
}

// ask reads the peers of dev and calls use with them, in no particular order, from another goroutine. It
// returns after the call. After askTimeout it returns ErrBusy; use is then called when dev answers. If the
// error passed to use is not nil, the list of peers is incomplete.
func ask(dev configSource, use func([]wgpeer.Peer, error)) error {
	done := make(chan error, 1) // buffered, since ask may have returned
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

// configReader is an io.Writer that parses the output of IpcGetOperation: lines of the form key=value, in which
// public_key begins a peer (https://www.wireguard.com/xplatform/). It keeps no secrets: it ignores the lines
// private_key and preshared_key without reading their values.
type configReader struct {
	peers   []wgpeer.Peer
	partial []byte // the beginning of a line at the end of a Write
}

// Write parses the lines of p. It never fails.
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
		c.peers = append(c.peers, wgpeer.Peer{Key: string(value)})
		return
	}
	if len(c.peers) == 0 {
		return // the lines of the device itself, private_key among them
	}
	p := &c.peers[len(c.peers)-1]
	switch string(key) {
	case "endpoint":
		if ap, err := netip.ParseAddrPort(string(value)); err == nil {
			p.SetEndpoint(ap)
		}
	case "tx_bytes":
		p.Tx, _ = strconv.ParseUint(string(value), 10, 64)
	case "rx_bytes":
		p.Rx, _ = strconv.ParseUint(string(value), 10, 64)
	case "allowed_ip":
		if prefix, err := netip.ParsePrefix(string(value)); err == nil {
			p.Allowed = append(p.Allowed, prefix)
		}
	}
}
