//go:build linux

package main

import (
	"net"
	"net/netip"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/go-netlog/netlog/netif/internal/tuntest"
)

const (
	flows = 1000
	batch = 64 // packets in a system call
)

// message is struct mmsghdr.
type message struct {
	unix.Msghdr
	_ uint32 // the bytes that were sent
}

// send sends packets of some size into send0 and returns how long it took. They are for another
// host, so the kernel drops them behind the tools.
func (l *lab) send(size, packets int) (took time.Duration, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread keeps the namespace
		took, err = l.sendHere(size, packets)
	}()
	<-done
	return took, err
}

func (l *lab) sendHere(size, packets int) (time.Duration, error) {
	ns, err := unix.Open("/run/netns/"+l.from, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(ns)
	if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
		return 0, err
	}
	tx, err := net.InterfaceByName("send0")
	if err != nil {
		return 0, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1)

	// The address of the link layer is that of another host.
	address := unix.RawSockaddrLinklayer{Family: unix.AF_PACKET, Protocol: 0x0008, Ifindex: int32(tx.Index), Halen: 6, Addr: [8]byte{2, 0, 0, 0, 0, 1}}
	var all [flows]unix.Iovec
	for i := range all {
		pkt := tuntest.UDP4(netip.AddrPortFrom(netip.MustParseAddr("10.99.0.2"), uint16(1024+i)), netip.MustParseAddrPort("10.99.0.1:9"), size-28)
		all[i].Base = &pkt[0]
		all[i].SetLen(len(pkt))
	}
	var messages [batch]message
	start := time.Now()
	for sent := 0; sent < packets; {
		n := min(batch, packets-sent)
		for i := range n {
			m := &messages[i].Msghdr
			m.Name, m.Namelen = (*byte)(unsafe.Pointer(&address)), unix.SizeofSockaddrLinklayer
			m.Iov = &all[(sent+i)%flows]
			m.SetIovlen(1)
		}
		done, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&messages)), uintptr(n), 0, 0, 0)
		if errno != 0 && errno != unix.ENOBUFS {
			return 0, errno
		}
		if errno == 0 {
			sent += int(done)
		}
	}
	return time.Since(start), nil
}
