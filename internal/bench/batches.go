package main

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
)

// batchSize is a batch of a busy tunnel; wireguard-go reads at most 128 at once.
const batchSize = 64

// batch is what a tunnel hands over at once.
type batch struct {
	bufs  [][]byte
	sizes []int
}

// flowBatches returns one packet of each of n flows with the peers of a group,
// in random order. Where there are fewer flows than a batch holds they repeat.
func flowBatches(version, n int, group uint8) []batch {
	r := rand.New(rand.NewPCG(1, uint64(group)))
	pkts := make([][]byte, n)
	for i := range pkts {
		pkts[i] = tcpPacket(version, uint16(group)<<8|uint16(i%251), uint16(1024+i/251))
	}
	r.Shuffle(n, func(i, j int) { pkts[i], pkts[j] = pkts[j], pkts[i] })
	for len(pkts) < batchSize {
		pkts = append(pkts, pkts[0])
	}
	var batches []batch
	for bufs := range slices.Chunk(pkts, batchSize) {
		b := batch{bufs: bufs}
		for _, pkt := range bufs {
			b.sizes = append(b.sizes, len(pkt))
		}
		batches = append(batches, b)
	}
	return batches
}

// tcpPacket returns the headers of a packet from a peer's ephemeral port.
func tcpPacket(version int, peer, port uint16) []byte {
	var p []byte
	if version == 4 {
		p = make([]byte, 20, 40)
		p[0] = 0x45
		binary.BigEndian.PutUint16(p[2:], 40)
		p[8], p[9] = 64, 6
		binary.BigEndian.PutUint32(p[12:], 100<<24|65<<16|uint32(peer))
		binary.BigEndian.PutUint32(p[16:], 100<<24|64<<16|1)
	} else {
		p = make([]byte, 40, 60)
		p[0] = 0x60
		binary.BigEndian.PutUint16(p[4:], 20)
		p[6], p[7] = 6, 64
		binary.BigEndian.PutUint64(p[8:], 0xfd7a115ca1e00000)
		binary.BigEndian.PutUint64(p[16:], 1<<32|uint64(peer))
		binary.BigEndian.PutUint64(p[24:], 0xfd7a115ca1e00000)
		binary.BigEndian.PutUint64(p[32:], 1)
	}
	tcp := p[len(p) : len(p)+20]
	binary.BigEndian.PutUint16(tcp, port)
	binary.BigEndian.PutUint16(tcp[2:], 443)
	tcp[12], tcp[13] = 5<<4, 1<<4 // 5 words, ACK
	return p[:cap(p)]
}
