package main

import (
	"io"
	"net/netip"

	"github.com/sirupsen/logrus"
	"github.com/slackhq/nebula/config"
	"github.com/slackhq/nebula/overlay"

	"github.com/go-netlog/netlog/internal/embed/packets"
	"github.com/go-netlog/netlog/tunstats"
)

// countedTun is the tun of Nebula. All its queues count with one Meter. The first queue is the tun itself.
type countedTun struct {
	overlay.Device
	first packets.Queue
}

func (t *countedTun) Read(p []byte) (int, error)  { return t.first.Read(p) }
func (t *countedTun) Write(p []byte) (int, error) { return t.first.Write(p) }

// NewMultiQueueReader opens one more queue. Nebula calls it routines-1 times.
func (t *countedTun) NewMultiQueueReader() (io.ReadWriteCloser, error) {
	queue, err := t.Device.NewMultiQueueReader()
	if err != nil {
		return nil, err
	}
	return packets.Queue{ReadWriteCloser: queue, Meter: t.first.Meter}, nil
}

// counting returns a DeviceFactory whose tun counts with meter, and is the one that Nebula makes without a factory.
func counting(meter *tunstats.Meter) overlay.DeviceFactory {
	return func(c *config.C, l *logrus.Logger, networks []netip.Prefix, routines int) (overlay.Device, error) {
		tun, err := overlay.NewDeviceFromConfig(c, l, networks, routines)
		if err != nil {
			return nil, err
		}
		return &countedTun{tun, packets.Queue{ReadWriteCloser: tun, Meter: meter}}, nil
	}
}
