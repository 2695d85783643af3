package receiver

import "errors"

// maxDepth is how deep arrays and objects may nest in an entry, the entry
// itself included. A record has a depth of 4. The scanner keeps one bit per
// level in a uint64, so that it needs no recursion and no stack of its own.
const maxDepth = 64

var (
	errSyntax = errors.New("invalid JSON")
	errDepth  = errors.New("JSON nested too deep")
)

// A scanner reads JSON as RFC 8259 has it, without building values. It accepts
// no more than that: no comments, no leading zeros, no raw control characters.
// The text must be valid UTF-8, which is checked before.
type scanner struct {
	b []byte
	i int // of the next byte
}

// peek returns the next byte, or 0 at the end. A zero byte is never valid
// outside a string, so the two need no telling apart.
func (s *scanner) peek() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// space skips white space.
func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// take skips c and reports whether it was next.
func (s *scanner) take(c byte) bool {
	if s.peek() != c || s.i >= len(s.b) {
		return false
	}
	s.i++
	return true
}

// value skips one value that starts at the next byte, at nesting level depth.
func (s *scanner) value(depth int) error {
	var objects uint64 // bit n: what is open at level n is an object
	base := depth
	for {
		opened, err := s.open(&objects, &depth)
		if err != nil {
			return err
		}
		if opened {
			continue // the next value is the first one inside
		}
		more, err := s.end(objects, &depth, base)
		if err != nil || !more {
			return err
		}
	}
}

// open skips a scalar or an empty container, or enters a container up to its
// first value and reports true.
func (s *scanner) open(objects *uint64, depth *int) (bool, error) {
	switch c := s.peek(); c {
	case '{', '[':
		if *depth >= maxDepth {
			return false, errDepth
		}
		s.i++
		s.space()
		if s.take(c + 2) { // '{'+2 is '}', '['+2 is ']'
			return false, nil
		}
		bit := uint64(1) << *depth
		*depth++
		if c == '[' {
			*objects &^= bit
			return true, nil
		}
		*objects |= bit
		_, err := s.key()
		return true, err
	case '"':
		return false, s.str()
	case 't':
		return false, s.literal("true")
	case 'f':
		return false, s.literal("false")
	case 'n':
		return false, s.literal("null")
	}
	return false, s.number()
}

// end leaves the containers that end after a value, and reports whether another
// value follows in one of them.
func (s *scanner) end(objects uint64, depth *int, base int) (bool, error) {
	for *depth > base {
		s.space()
		isObject := objects>>(*depth-1)&1 == 1
		switch c := s.peek(); {
		case c == ',':
			s.i++
			s.space()
			if isObject {
				_, err := s.key()
				return true, err
			}
			return true, nil
		case c == '}' && isObject, c == ']' && !isObject:
			s.i++
			*depth--
		default:
			return false, errSyntax
		}
	}
	return false, nil
}

// key skips the name of a member and its colon, and returns the name as it
// stands between the quotes.
func (s *scanner) key() ([]byte, error) {
	start := s.i + 1
	if err := s.str(); err != nil {
		return nil, err
	}
	name := s.b[start : s.i-1]
	s.space()
	if !s.take(':') {
		return nil, errSyntax
	}
	s.space()
	return name, nil
}

// str skips a string.
func (s *scanner) str() error {
	if !s.take('"') {
		return errSyntax
	}
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return nil
		case c < 0x20:
			return errSyntax
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		default:
			s.i++
		}
	}
	return errSyntax
}

// escape skips one escape sequence. Lone surrogates are valid by the grammar.
func (s *scanner) escape() error {
	s.i++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.i++
		return nil
	case 'u':
		if _, ok := hex4(s.b[s.i+1:]); ok {
			s.i += 5
			return nil
		}
	}
	return errSyntax
}

// number skips a number.
func (s *scanner) number() error {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return errSyntax
	}
	if s.take('.') && !s.digits() {
		return errSyntax
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		if !s.digits() {
			return errSyntax
		}
	}
	return nil
}

// digits skips digits and reports whether there was one.
func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}

// literal skips lit.
func (s *scanner) literal(lit string) error {
	if end := s.i + len(lit); end <= len(s.b) && string(s.b[s.i:end]) == lit {
		s.i = end
		return nil
	}
	return errSyntax
}
