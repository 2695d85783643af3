package kerneltest

import (
	"bytes"
	"sync"

	"golang.zx2c4.com/wireguard/tun"
)

// gate is a tun.Device between wgtun and the host. It can hold or drop the packets that come out of
// the tunnel, after wgtun has counted them.
type gate struct {
	tun.Device
	mu   sync.Mutex // guards the fields below, and keeps packets in order
	mode string     // open, hold or drop
	held []heldPacket
}

type heldPacket struct {
	buf    []byte
	offset int
}

func newGate(inner tun.Device) *gate { return &gate{Device: inner, mode: "open"} }

// set changes the mode. Held packets are written if it is open.
func (g *gate) set(mode string) (err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mode = mode
	if mode != "open" {
		return nil
	}
	for _, p := range g.held {
		if _, err = g.Device.Write([][]byte{p.buf}, p.offset); err != nil {
			break
		}
	}
	g.held = nil
	return err
}

// Write does not wait while packets are held, so that wgtun counts the next ones too.
func (g *gate) Write(bufs [][]byte, offset int) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch g.mode {
	case "open":
		return g.Device.Write(bufs, offset)
	case "hold":
		for _, b := range bufs {
			g.held = append(g.held, heldPacket{bytes.Clone(b), offset})
		}
	}
	return len(bufs), nil
}
