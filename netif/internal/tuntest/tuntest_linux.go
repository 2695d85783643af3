// Package tuntest makes TUN devices for tests.
package tuntest

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/go-netlog/netlog/internal/traffictest"
)

// Tun is a TUN device. The test is the VPN behind it.
type Tun struct {
	fd int

	// Header is written before each packet. It is empty, or the virtio header of a device that
	// takes merged packets.
	Header []byte
}

// OpenTun makes a TUN device in the network namespace of the calling thread. If merged is true, the
// kernel exchanges merged packets with it.
func OpenTun(name string, merged bool) (*Tun, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	d := &Tun{fd: fd}
	if err := d.configure(name, merged); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *Tun) configure(name string, merged bool) error {
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	flags := uint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if merged {
		flags |= unix.IFF_VNET_HDR
		d.Header = make([]byte, 10)
	}
	ifr.SetUint16(flags)
	if err := unix.IoctlIfreq(d.fd, unix.TUNSETIFF, ifr); err != nil || !merged {
		return err
	}
	const csum, tso4, tso6, uso4, uso6 = 1, 2, 4, 0x20, 0x40
	return unix.IoctlSetInt(d.fd, unix.TUNSETOFFLOAD, csum|tso4|tso6|uso4|uso6)
}

// Close removes the device. It may be called twice.
func (d *Tun) Close() {
	if d.fd >= 0 {
		unix.Close(d.fd)
		d.fd = -1
	}
}

// Deliver passes a packet to the kernel.
func (d *Tun) Deliver(pkt []byte) error {
	_, err := unix.Write(d.fd, append(append([]byte(nil), d.Header...), pkt...))
	return err
}

// ReadAll takes all packets out of the interface. The kernel counts a packet as sent when it is
// read.
func (d *Tun) ReadAll() {
	buf := make([]byte, 1<<17)
	for {
		if _, err := unix.Read(d.fd, buf); err != nil {
			return
		}
	}
}

// UDP4 returns a datagram with a payload of size bytes over IPv4.
func UDP4(src, dst netip.AddrPort, size int) []byte {
	p := make([]byte, 28+size)
	p[0], p[8], p[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	copy(p[12:], src.Addr().AsSlice())
	copy(p[16:], dst.Addr().AsSlice())
	binary.BigEndian.PutUint16(p[10:], traffictest.Checksum(p[:20]))
	binary.BigEndian.PutUint16(p[20:], src.Port())
	binary.BigEndian.PutUint16(p[22:], dst.Port())
	binary.BigEndian.PutUint16(p[24:], uint16(8+size))
	return p
}
