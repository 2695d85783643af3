package records

import "fmt"

// frame is an open container.
type frame struct {
	start int64 // offset of its first byte
	line  int
	state state
	isEnv bool // contains records, so it is not a record itself
}

// state is what may follow in a container.
type state uint8

const (
	arrFirst state = iota // a value or ]
	arrValue              // a value
	arrNext               // , or ]
	objFirst              // a key or }
	objKey                // a key
	objColon              // :
	objValue              // a value
	objNext               // , or }
)

func (f *frame) wantsValue() bool { return f.state <= arrValue || f.state == objValue }
func (f *frame) wantsKey() bool   { return f.state == objFirst || f.state == objKey }

func (f *frame) mayEnd(c byte) bool {
	if c == ']' {
		return f.state == arrFirst || f.state == arrNext
	}
	return f.state == objFirst || f.state == objNext
}

// separator reads a comma or a colon, and reports whether it is allowed here.
func (f *frame) separator(c byte) bool {
	switch {
	case c == ':' && f.state == objColon:
		f.state = objValue
	case c == ',' && f.state == objNext:
		f.state = objKey
	case c == ',' && f.state == arrNext:
		f.state = arrValue
	default:
		return false
	}
	return true
}

func (f *frame) valueDone() {
	if f.state >= objFirst {
		f.state = objNext
	} else {
		f.state = arrNext
	}
}

func unexpected(c byte) error { return fmt.Errorf("records: not JSON: unexpected %q", c) }
