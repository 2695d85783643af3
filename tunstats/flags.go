package tunstats

// TCPFlags is a set of TCP control bits, with their values in the header (RFC 9293, section 3.1).
type TCPFlags uint8

// The control bits that are counted.
const (
	FIN TCPFlags = 1 << 0 // the sender has no more data
	SYN TCPFlags = 1 << 1 // opens a connection
	RST TCPFlags = 1 << 2 // refuses or aborts a connection
	ACK TCPFlags = 1 << 4 // with SYN, accepts a connection; not counted without SYN
)

// counted returns the bits of f, those of a packet, that are counted.
func (f TCPFlags) counted() TCPFlags {
	return f&(FIN|SYN|RST) | f&(f<<3)&ACK // SYN<<3 is ACK
}

// String returns the letters of the bits in f, such as "SA" for SYN and ACK, or "" if f is zero.
func (f TCPFlags) String() string {
	const letters = "FSR_A" // by bit
	var b []byte
	for i := range letters {
		if f&(FIN|SYN|RST|ACK)>>i&1 != 0 {
			b = append(b, letters[i])
		}
	}
	return string(b)
}
