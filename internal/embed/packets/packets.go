// Package packets counts a tun that moves one packet per Read and Write.
package packets

import (
	"io"

	"github.com/go-netlog/netlog/tunstats"
)

// Queue is a tun, or one of its queues, that counts its packets with a Meter. Queues of one tun may share the Meter.
type Queue struct {
	io.ReadWriteCloser
	Meter *tunstats.Meter
}

// Read counts a packet that the host sends into the tunnel.
func (q Queue) Read(p []byte) (int, error) {
	n, err := q.ReadWriteCloser.Read(p)
	if n > 0 {
		q.Meter.UpdateTx(p[:n])
	}
	return n, err
}

// Write counts a packet that comes out of the tunnel, even if the host refuses it.
func (q Queue) Write(p []byte) (int, error) {
	q.Meter.UpdateRx(p)
	return q.ReadWriteCloser.Write(p)
}
