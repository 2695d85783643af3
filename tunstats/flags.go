package tunstats

// TCPFlags is a set of TCP control bits (RFC 9293, section 3.1), with the values they have in the header.
type TCPFlags uint8

// The control bits that are counted.
const (
	FIN TCPFlags = 1 << 0 // the sender has no more data
	SYN TCPFlags = 1 << 1 // opens a connection
	RST TCPFlags = 1 << 2 // refuses or aborts a connection
	ACK TCPFlags = 1 << 4 // counted beside SYN only, where it accepts a connection
)

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
