package tunstats

// Counts are the packets and bytes of one flow in both directions. Tx is what
// the local side sent, Rx what it received; bytes include the IP header.
type Counts struct {
	TxPackets uint64 `json:"txPkts,omitzero"`
	TxBytes   uint64 `json:"txBytes,omitzero"`
	RxPackets uint64 `json:"rxPkts,omitzero"`
	RxBytes   uint64 `json:"rxBytes,omitzero"`
}

// Add returns the sum of c and d. A sum past 2^64-1 stays there: counters
// saturate, they never wrap.
func (c Counts) Add(d Counts) Counts {
	c.TxPackets = add(c.TxPackets, d.TxPackets)
	c.TxBytes = add(c.TxBytes, d.TxBytes)
	c.RxPackets = add(c.RxPackets, d.RxPackets)
	c.RxBytes = add(c.RxBytes, d.RxBytes)
	return c
}

// add returns a+b, or the largest uint64 where that overflows.
func add(a, b uint64) uint64 {
	if s := a + b; s >= a {
		return s
	}
	return ^uint64(0)
}
