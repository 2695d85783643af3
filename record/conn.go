package record

import "github.com/go-netlog/netlog/tunstats"

// Side is a side of a flow.
type Side uint8

// The sides of a flow. The zero Side is SideUnknown.
const (
	SideUnknown Side = iota
	SideSrc
	SideDst
	numSides
)

// String returns "unknown", "src" or "dst".
func (s Side) String() string {
	return [...]string{"unknown", "src", "dst", "?"}[min(s, numSides)]
}

// Reverse returns the other side.
func (s Side) Reverse() Side {
	switch s {
	case SideSrc:
		return SideDst
	case SideDst:
		return SideSrc
	}
	return SideUnknown
}

// Conn describes the connection of a flow by its packets: which side began it, and its state. It is
// a comparable value. The zero Conn has seen no packet; add the windows of one flow to it, as one
// node reports them, in order. It never guesses: whatever the windows do not show is unknown.
//
// Only TCP has flags, so for other protocols a Conn shows only which side sent first. The same is
// true for folded flows and totals, which have no flags, and for records of programs that do not
// write them.
//
// Windows show no more than their flags and counts. Two connections on the same ports in one window look
// like one, until a later window contradicts that. If the reply with SYN and ACK was not counted, an
// established connection without data may look unanswered. One that ICMP refuses looks unanswered too.
type Conn struct {
	tx, rx    half
	first     Side // the side that alone sent in the first window with packets
	older     bool // there were packets of an earlier connection, before the first SYN
	finished  bool // after both sides had sent FIN, both have sent packets without flags
	ambiguous bool // a port was used again, and the connections differ in their states
}

// half has a bit for each kind of packet that one side has sent.
type half uint8

const (
	plain  half = 1 << iota // packets, in a window without flags
	data                    // more bytes than the headers of its packets take
	syn                     // SYN, in a window without SYN and ACK
	synAck                  // SYN and ACK
	fin
	rst
)

// maxHeaders is the maximum size of the IP and TCP headers of a packet, and so of a packet without
// data: 60 bytes each.
const maxHeaders = 60 + 60

// newHalf returns the half of a side that has sent this in one window.
func newHalf(packets, bytes uint64, flags tunstats.TCPFlags) (h half) {
	switch {
	case flags&tunstats.SYN == 0:
	case flags&tunstats.ACK == 0:
		h |= syn
	default:
		h |= synAck
	}
	if flags&tunstats.FIN != 0 {
		h |= fin
	}
	if flags&tunstats.RST != 0 {
		h |= rst
	}
	if h == 0 && packets|bytes != 0 {
		h = plain
	}
	if bytes > maxHeaders*packets {
		h |= data
	}
	return h
}

// ConnOf returns the Conn of a flow with the given windows, in order: of one entry, or of all
// entries of a flow.
func ConnOf(windows ...tunstats.Counts) Conn {
	var c Conn
	for _, w := range windows {
		c = c.Add(w)
	}
	return c
}

// Add returns c after one more window of the flow.
func (c Conn) Add(w tunstats.Counts) Conn {
	n := Conn{tx: newHalf(w.TxPackets, w.TxBytes, w.TxFlags), rx: newHalf(w.RxPackets, w.RxBytes, w.RxFlags)}
	switch {
	case n.rx == 0:
		n.first = SideSrc
	case n.tx == 0:
		n.first = SideDst
	}
	switch {
	case n.tx|n.rx == 0:
		return c
	case c.tx|c.rx == 0:
		return n
	}
	c.older = c.older || (n.tx|n.rx)&syn != 0 && (c.tx|c.rx)&syn == 0
	c.ambiguous = c.ambiguous || c.reused(n)
	c.finished = c.finished || c.tx&c.rx&fin != 0 && n.tx&n.rx&plain != 0
	c.tx, c.rx = c.tx|n.tx, c.rx|n.rx
	return c
}

// reused reports whether n, a later window, shows another connection, which may have another state.
func (c Conn) reused(n Conn) bool {
	both := n.tx | n.rx
	switch {
	case both&syn != 0:
		// A SYN that was not answered is repeated. After anything else, this may be another connection.
		s := c.State()
		return s != StateUnanswered && s != n.State() && !c.duplicate(n)
	case c.tx&rst != 0 && n.tx&plain != 0, c.rx&rst != 0 && n.rx&plain != 0:
		return true // whoever has sent RST sends no more data
	case c.tx&c.rx&fin != 0:
		// After both FINs, each side sends only its last acknowledgments, which are soon there.
		return both&fin == 0 && both&data != 0 || c.finished && n.tx&n.rx&plain != 0
	}
	return false
}

// duplicate reports whether the SYN of n, a later window, is one that was sent again while the SYN
// and ACK was on its way: the other side of an established connection only acknowledges it.
func (c Conn) duplicate(n Conn) bool {
	if c.Initiator() == SideDst {
		c, n = c.Reverse(), n.Reverse()
	}
	return c.Initiator() == SideSrc && c.State() == StateEstablished && n.tx&^data == syn && n.rx&plain != 0
}

// Join returns the Conn of all packets, if c and d are from two nodes at the same side of a flow that
// have each seen a part of them, such as two routers of one subnet. If one node has seen only the SYN,
// and the other only the SYN and ACK of the answer, both together show an established connection.
// The two ends of a flow are not joined, since each of them has seen all packets.
func (c Conn) Join(d Conn) Conn {
	switch {
	case c.tx|c.rx == 0:
		return d
	case d.tx|d.rx == 0:
		return c
	case c.first != d.first:
		c.first = SideUnknown
	}
	// Both may have seen a SYN that was sent again, or each that of another connection.
	s, r := c.State(), d.State()
	again := (c.tx|c.rx)&syn != 0 && (d.tx|d.rx)&syn != 0 && s != r && s != StateUnanswered && r != StateUnanswered
	c.tx, c.rx = c.tx|d.tx, c.rx|d.rx
	c.older, c.finished = c.older || d.older, c.finished || d.finished
	c.ambiguous = c.ambiguous || d.ambiguous || again
	return c
}

// Reverse returns c as the other side of the flow sees it.
func (c Conn) Reverse() Conn {
	c.tx, c.rx, c.first = c.rx, c.tx, c.first.Reverse()
	return c
}

// Initiator returns the side that began the connection: one side sent SYN without ACK, the other did
// not, and nothing else shows an earlier connection on the same ports. If 10.0.0.2:4000 sends SYN, and
// 10.0.0.3:22 sends SYN and ACK, 10.0.0.2:4000 is the initiator, whichever of them is Src of the flow.
//
// If both sides open a connection at once, Initiator is SideUnknown. There is one exception. If A sends
// SYN and later, in the same window, SYN and ACK, it looks as if A had only answered. If B has sent only
// SYN, because the SYN of A was lost, Initiator returns B.
func (c Conn) Initiator() Side {
	switch {
	case c.older:
		return SideUnknown
	case initiated(c.tx, c.rx):
		return SideSrc
	case initiated(c.rx, c.tx):
		return SideDst
	}
	return SideUnknown
}

// initiated reports whether the side that sent from began a connection with the side that sent to.
func initiated(from, to half) bool {
	if from&(syn|synAck) != syn || to&syn != 0 {
		return false
	}
	return to == 0 || to&synAck != 0 || attempt(from&^data, to) == StateRefused
}

// Source returns the side from which a flow should be shown: the Initiator, or else the side that sent
// first. A side sent first if it alone sent in the first window with packets: a DNS client, if the
// answer came in the next window. If both sent in that window, Source returns SideUnknown.
func (c Conn) Source() Side {
	if s := c.Initiator(); s != SideUnknown {
		return s
	}
	return c.first
}

// Orient returns f as it should be shown: from the side that Source returns. If that is unknown, it
// returns f from the side that sent alone, or else unchanged. So the receiver of a flow of one
// direction is never its source: 10.0.0.3:53 -> 10.0.0.2:4000 with nothing sent and one packet received
// becomes 10.0.0.2:4000 -> 10.0.0.3:53 with one packet sent. c is the Conn of f; if it is zero, only the
// counts decide. A total, which lacks an address, is returned unchanged.
func (c Conn) Orient(f ConnectionCounts) ConnectionCounts {
	from := c.Source()
	if from == SideUnknown && f.TxPackets|f.TxBytes == 0 && f.RxPackets|f.RxBytes != 0 {
		from = SideDst
	}
	if from == SideDst && f.Src.IsValid() && f.Dst.IsValid() {
		return f.Reverse()
	}
	return f
}
