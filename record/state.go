package record

// State is the state of a TCP connection, as far as its flags show it.
type State uint8

// The states of a connection. The zero State is StateUnknown.
const (
	StateUnknown     State = iota // not TCP, began before the first window, a port used again, or contradictory
	StateUnanswered               // one side sent SYN, without data or RST, and the other side sent nothing
	StateRefused                  // a SYN was answered with RST
	StateEstablished              // a SYN was answered with SYN and ACK, and neither FIN nor RST was seen
	StateClosed                   // FIN was sent by one side, which may still receive, or by both
	StateReset                    // RST ended an established connection, before both sides had sent FIN
	numStates
)

// String returns the name of s in lower case, such as "refused".
func (s State) String() string {
	return [...]string{"unknown", "unanswered", "refused", "established", "closed", "reset", "?"}[min(s, numStates)]
}

// attempt returns the State if from includes SYN, and neither includes SYN and ACK.
func attempt(from, to half) State {
	switch {
	case from&^(syn|rst) != 0: // of another connection, or of one whose SYN and ACK was not counted
		return StateUnknown
	case to == 0 && from&rst == 0: // RST is sent only against a packet that was received
		return StateUnanswered
	case to == rst:
		return StateRefused
	}
	return StateUnknown
}

// State returns the state of the connection. If the ports were used for several connections, it
// returns the State that all of them have, or StateUnknown.
func (c Conn) State() State {
	both := c.tx | c.rx
	switch {
	case c.ambiguous:
		return StateUnknown
	case both&synAck == 0 && c.tx&syn != 0:
		return attempt(c.tx, c.rx)
	case both&synAck == 0 && c.rx&syn != 0:
		return attempt(c.rx, c.tx)
	case c.tx&c.rx&fin != 0:
		return StateClosed
	case both&rst != 0 && (c.tx == 0 || c.rx == 0):
		return StateUnknown // the RST refuses a SYN in an earlier window, or ends a connection
	case both&rst != 0:
		return StateReset
	case both&fin != 0:
		return StateClosed
	case both&synAck != 0 && c.tx != 0 && c.rx != 0:
		return StateEstablished
	}
	return StateUnknown
}
