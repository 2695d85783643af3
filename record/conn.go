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

// State is what became of a TCP connection, as far as its flags show it.
type State uint8

// The states of a connection. The zero State is StateUnknown.
const (
	StateUnknown     State = iota // not TCP, began before the first window, a port used again, or contradictory
	StateUnanswered               // a SYN was sent, and nothing came back
	StateRefused                  // a SYN was answered with RST
	StateEstablished              // a SYN was answered with SYN and ACK, and neither FIN nor RST was seen
	StateClosed                   // FIN was sent by one side, which may still receive, or by both
	StateReset                    // RST ended an answered connection, before both sides had sent FIN
	numStates
)

// String returns the name of s in lower case, such as "refused".
func (s State) String() string {
	return [...]string{"unknown", "unanswered", "refused", "established", "closed", "reset", "?"}[min(s, numStates)]
}

// Conn is what the packets of a flow show of its connection: who began it, and what became of
// it. It is a comparable value. The zero Conn has seen no packet; add the windows of one flow
// to it, as one node reports them, in order. It never guesses: whatever the windows do not show
// is unknown.
//
// Only TCP has flags, so of other protocols a Conn shows only who sent first. The same holds for
// folded flows and totals, which have no flags, and for records of programs that do not write
// them.
//
// Windows show no more than their flags. Two connections on the same ports within one window look
// like one, until a later window contradicts that. Without the window of the SYN and ACK, an
// established connection may look unanswered; so does one that is refused by ICMP.
type Conn struct {
	tx, rx half
	first  Side // that sent alone in the first window with packets
	older  bool // there were packets before the first SYN, so of an earlier connection
	mixed  bool // a port was used again, and the connections differ in their states
}

// half is what one side has sent. It is zero if that is nothing.
type half uint8

const (
	plain  half = 1 << iota // packets, in a window without flags
	syn                     // SYN, in a window without SYN and ACK
	synAck                  // SYN and ACK
	fin
	rst
)

// newHalf returns what a side has sent in one window.
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
	c.mixed = c.mixed || c.usedAgain(n)
	c.tx, c.rx = c.tx|n.tx, c.rx|n.rx
	return c
}

// usedAgain reports whether n, a later window, shows another connection, which may have another state.
func (c Conn) usedAgain(n Conn) bool {
	switch {
	case (n.tx|n.rx)&syn != 0:
		// A SYN that was not answered is repeated. After anything else, this may be another connection.
		s := c.State()
		return s != StateUnanswered && s != n.State()
	case c.tx&rst != 0 && n.tx == plain, c.rx&rst != 0 && n.rx == plain:
		return true // whoever has sent RST sends no more data
	case c.tx&c.rx&fin != 0:
		return n.tx == plain && n.rx == plain // not just the last acknowledgment
	}
	return false
}

// Join returns what c and d show together, if two nodes at the same side of a flow, such as two
// routers of one subnet, have each seen a part of its packets. For example, if one has seen only
// the SYN, and the other only the SYN and ACK of the answer, the result is StateEstablished.
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
	c.older, c.mixed = c.older || d.older, c.mixed || d.mixed || again
	return c
}

// Reverse returns c as the other side of the flow sees it.
func (c Conn) Reverse() Conn {
	c.tx, c.rx, c.first = c.rx, c.tx, c.first.Reverse()
	return c
}

// Began returns the side that began the connection: one side sent SYN without ACK, the other did
// not, and nothing else shows an earlier connection on the same ports.
func (c Conn) Began() Side {
	switch {
	case c.older:
		return SideUnknown
	case began(c.tx, c.rx):
		return SideSrc
	case began(c.rx, c.tx):
		return SideDst
	}
	return SideUnknown
}

// began reports whether the side that sent from began a connection with the side that sent to.
func began(from, to half) bool {
	if from&(syn|synAck) != syn || to&syn != 0 {
		return false
	}
	return to == 0 || to&synAck != 0 || attempt(from, to) == StateRefused
}

// attempt returns the State if from includes SYN, and neither includes SYN and ACK.
func attempt(from, to half) State {
	switch {
	case from&^(syn|rst) != 0: // of another connection
		return StateUnknown
	case to == 0:
		return StateUnanswered
	case to == rst:
		return StateRefused
	}
	return StateUnknown
}

// State returns what became of the connection. If the ports were used for several connections,
// the State is one that all of them have, or StateUnknown.
func (c Conn) State() State {
	both := c.tx | c.rx
	switch {
	case c.mixed:
		return StateUnknown
	case both&synAck == 0 && c.tx&syn != 0:
		return attempt(c.tx, c.rx)
	case both&synAck == 0 && c.rx&syn != 0:
		return attempt(c.rx, c.tx)
	case c.tx&c.rx&fin != 0:
		return StateClosed
	case both&rst != 0 && (c.tx == 0 || c.rx == 0):
		return StateUnknown // RST against a SYN in an earlier window, or of a connection
	case both&rst != 0:
		return StateReset
	case both&fin != 0:
		return StateClosed
	case both&synAck != 0 && c.tx != 0 && c.rx != 0:
		return StateEstablished
	}
	return StateUnknown
}

// Source returns the side that should be shown as the source of a flow: the one that began the
// connection. If that is unknown, it is the only side that sent in the first window. For example,
// it is SideDst if the source of the Tuple only answers a SYN. If both sides sent in the first
// window, and neither is known to have begun the connection, it is SideUnknown.
func (c Conn) Source() Side {
	if s := c.Began(); s != SideUnknown {
		return s
	}
	return c.first
}

// Orient returns f as it should be shown: reversed if its destination is the source of the
// connection, or else unchanged. For example, a server reports 10.0.0.3:22 -> 10.0.0.2:4000. If c
// shows that 10.0.0.2 began the connection, Orient returns 10.0.0.2:4000 -> 10.0.0.3:22.
//
// c is the Conn of f. If its Source is unknown, as for the zero Conn, the only side that sent in f
// is the source. A total, which lacks an address, is returned unchanged.
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
