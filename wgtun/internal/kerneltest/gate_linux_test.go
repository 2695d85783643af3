package kerneltest

import (
	"sync"

	"golang.zx2c4.com/wireguard/tun"
)

// gate is a tun.Device between wgtun and the host. It can hold or drop the packets that come out of
// the tunnel, after wgtun has counted them.
type gate struct {
	tun.Device
	changed *sync.Cond // of mode
	mode    string     // open, hold or drop
}

func newGate(inner tun.Device) *gate {
	return &gate{inner, sync.NewCond(new(sync.Mutex)), "open"}
}

func (g *gate) set(mode string) {
	g.changed.L.Lock()
	defer g.changed.L.Unlock()
	g.mode = mode
	g.changed.Broadcast()
}

func (g *gate) Write(bufs [][]byte, offset int) (int, error) {
	g.changed.L.Lock()
	for g.mode == "hold" {
		g.changed.Wait()
	}
	drop := g.mode == "drop"
	g.changed.L.Unlock()
	if drop {
		return len(bufs), nil
	}
	return g.Device.Write(bufs, offset)
}

func (g *gate) Close() error {
	g.set("open")
	return g.Device.Close()
}
