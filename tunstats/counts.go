package tunstats

// Counts holds the packets and bytes of a flow in both directions: Tx for what the local side sent, and
// Rx for what it received. Bytes include the IP header.
//
// The flags are those of the TCP packets in a direction: FIN, SYN and RST of all packets, and ACK only
// of packets with SYN. If the source opens a connection, TxFlags has SYN, and RxFlags has SYN and ACK.
// While the connection lasts, both are zero. They are also zero for other protocols, and if both ports
// are 0, as for folded flows.
type Counts struct {
	TxPackets uint64 `json:"txPkts,omitzero"`
	TxBytes   uint64 `json:"txBytes,omitzero"`
	RxPackets uint64 `json:"rxPkts,omitzero"`
	RxBytes   uint64 `json:"rxBytes,omitzero"`

	TxFlags TCPFlags `json:"txFlags,omitzero"`
	RxFlags TCPFlags `json:"rxFlags,omitzero"`
}

// Add returns the sum of c and d. The counters saturate at 2^64-1. A flag is set if c or d has it.
func (c Counts) Add(d Counts) Counts {
	c.TxPackets = add(c.TxPackets, d.TxPackets)
	c.TxBytes = add(c.TxBytes, d.TxBytes)
	c.RxPackets = add(c.RxPackets, d.RxPackets)
	c.RxBytes = add(c.RxBytes, d.RxBytes)
	c.TxFlags |= d.TxFlags
	c.RxFlags |= d.RxFlags
	return c
}

// add returns a+b, or the largest uint64 if the sum overflows.
func add(a, b uint64) uint64 {
	if s := a + b; s >= a {
		return s
	}
	return ^uint64(0)
}
