package netif

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// ring is a packet socket with a TPACKET_V3 ring (Documentation/networking/packet_mmap.rst of
// the kernel).
//
// Two libraries were compared. gopacket/gopacket/afpacket 1.7.7 has the ring, but returns
// neither the type of a packet nor its virtio header, cannot bind to the next interface, and
// sets the virtio header with an option that needs Linux 6.4. mdlayher/packet 1.2.0 has no ring.
// Extending either would take more code than this file.
//
// The socket is of type SOCK_RAW, since the kernel gives virtio headers only to those. The
// kernel reports the offset of the IP header, so that link headers need no parsing.
type ring struct {
	fd   int
	mem  []byte
	at   int    // offset of the next block
	read uint64 // packets read
}

const (
	blockBytes   = 512 << 10 // the kernel wakes the reader for each full block
	retireMillis = 50        // a block with packets is handed over after this time, even if it is not full
	snapLen      = 160       // bytes of link header and packet: at least 128 of an IP packet over Ethernet
)

// Offsets in a block: struct tpacket_block_desc.
const (
	blockStatus  = 8
	blockPackets = 12
	blockFirst   = 16 // the offset of the first frame
)

func newRing(bytes int, loopback bool) (*ring, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0) // 0: captures nothing until it is bound
	if err != nil {
		return nil, err
	}
	r := &ring{fd: fd}
	if err := r.configure(bytes, loopback); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *ring) configure(bytes int, loopback bool) error {
	filter, err := assemble(loopback)
	if err != nil {
		return err
	}
	blocks := max(2, bytes/blockBytes)
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"attach the filter", func() error {
			return unix.SetsockoptSockFprog(r.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
		}},
		{"TPACKET_V3", func() error {
			return unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3)
		}},
		{"virtio headers", func() error { return unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1) }},
		{"the ring", func() error {
			return unix.SetsockoptTpacketReq3(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &unix.TpacketReq3{
				Block_size: blockBytes, Block_nr: uint32(blocks),
				Frame_size: blockBytes, Frame_nr: uint32(blocks), // of no effect in version 3
				Retire_blk_tov: retireMillis,
			})
		}},
		{"map the ring", func() (err error) {
			r.mem, err = unix.Mmap(r.fd, 0, blocks*blockBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
			return err
		}},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("packet socket: %s: %w", step.name, err)
		}
	}
	return nil
}

// assemble returns the filter of the socket. It passes IP packets, cut to snapLen. Other packets,
// such as ARP, are not traffic inside a VPN. A loopback interface receives each packet that it
// sends, so there the filter passes only the sent ones.
func assemble(loopback bool) ([]unix.SockFilter, error) {
	sent := bpf.Instruction(bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.PACKET_LOOPBACK, SkipFalse: 1})
	if loopback {
		sent = bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.PACKET_OUTGOING, SkipFalse: 1}
	}
	raw, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtProto},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_IP, SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_IPV6, SkipFalse: 3},
		bpf.LoadExtension{Num: bpf.ExtType},
		sent,
		bpf.RetConstant{Val: snapLen},
		bpf.RetConstant{Val: 0},
	})
	filter := make([]unix.SockFilter, len(raw))
	for i, in := range raw {
		filter[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	return filter, err
}

// bind begins capturing the packets of an interface.
func (r *ring) bind(index int) error { return r.bindProtocol(index, unix.ETH_P_ALL) }

// unbind ends capturing. When it returns, all captured packets are in the ring. Protocol 0 would
// mean the last protocol, so unbind uses one that is reserved (RFC 1701) and never sent.
func (r *ring) unbind() error { return r.bindProtocol(0, 0xffff) }

func (r *ring) bindProtocol(index int, protocol uint16) error {
	return unix.Bind(r.fd, &unix.SockaddrLinklayer{Protocol: networkOrder(protocol), Ifindex: index})
}

func networkOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

// index returns the index of the interface to which the socket is bound, or -1 if the interface
// was removed.
func (r *ring) index() int {
	address, err := unix.Getsockname(r.fd)
	if link, ok := address.(*unix.SockaddrLinklayer); ok && err == nil {
		return link.Ifindex
	}
	return -1
}

// drain calls count with all frames that the kernel has handed over.
func (r *ring) drain(count func(frame)) {
	for {
		block := r.mem[r.at : r.at+blockBytes]
		status := (*atomic.Uint32)(unsafe.Pointer(&block[blockStatus]))
		if status.Load()&unix.TP_STATUS_USER == 0 {
			return
		}
		packets := binary.NativeEndian.Uint32(block[blockPackets:])
		at := binary.NativeEndian.Uint32(block[blockFirst:])
		for range packets {
			f := frame(block[at:])
			count(f)
			at += f.next()
		}
		r.read += uint64(packets)
		status.Store(unix.TP_STATUS_KERNEL)
		r.at = (r.at + blockBytes) % len(r.mem)
	}
}

// stats returns the number of packets that the kernel has put into the ring, and of those for which
// the ring had no room, both since the last call.
func (r *ring) stats() (captured, lost uint64) {
	s, err := unix.GetsockoptTpacketStatsV3(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0, 0
	}
	return uint64(s.Packets - s.Drops), uint64(s.Drops) // Packets includes Drops
}

func (r *ring) close() {
	if r.mem != nil {
		unix.Munmap(r.mem)
	}
	unix.Close(r.fd)
}
