// Package rawjson reads JSON (RFC 8259) without building values: it tells where
// they lie. Both ends of the wire look at entries through it, so that what the
// uploader takes for an object is one to the receiver.
package rawjson

import "errors"

// MaxDepth is how deep arrays and objects may nest, the outermost included. A
// record of netlog has a depth of 4. The Scanner keeps one bit per level in a
// uint64, so that it needs no recursion and no stack of its own.
const MaxDepth = 64

// MaxMembers is how many members an entry may have on the wire, those inside of
// them not counted. A record of netlog has ten.
const MaxMembers = 1000

// Why a text is refused.
var (
	ErrSyntax  = errors.New("invalid JSON")
	ErrDepth   = errors.New("JSON nested too deep")
	ErrMembers = errors.New("an object has too many members")
)

// A Scanner passes over JSON. It accepts what RFC 8259 has and no more: no
// comments, no leading zeros, no raw control characters. Whether strings are valid
// UTF-8 it does not check.
type Scanner struct {
	Text []byte
	Pos  int // of the next byte
}

// Peek returns the next byte, or 0 at the end. A zero byte is never valid
// outside a string, so the two need no telling apart.
func (s *Scanner) Peek() byte {
	if s.Pos < len(s.Text) {
		return s.Text[s.Pos]
	}
	return 0
}

// Space skips white space.
func (s *Scanner) Space() {
	for s.Pos < len(s.Text) {
		switch s.Text[s.Pos] {
		case ' ', '\t', '\n', '\r':
			s.Pos++
		default:
			return
		}
	}
}

// Take skips c and reports whether it was next.
func (s *Scanner) Take(c byte) bool {
	if s.Peek() != c || s.Pos >= len(s.Text) {
		return false
	}
	s.Pos++
	return true
}

// Value skips one value that begins at the next byte, at nesting level depth,
// which is 0 for a text of its own.
func (s *Scanner) Value(depth int) error {
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
func (s *Scanner) open(objects *uint64, depth *int) (bool, error) {
	switch c := s.Peek(); c {
	case '{', '[':
		if *depth >= MaxDepth {
			return false, ErrDepth
		}
		s.Pos++
		s.Space()
		if s.Take(c + 2) { // '{'+2 is '}', '['+2 is ']'
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
func (s *Scanner) end(objects uint64, depth *int, base int) (bool, error) {
	for *depth > base {
		s.Space()
		isObject := objects>>(*depth-1)&1 == 1
		switch c := s.Peek(); {
		case c == ',':
			s.Pos++
			s.Space()
			if isObject {
				_, err := s.key()
				return true, err
			}
			return true, nil
		case c == '}' && isObject, c == ']' && !isObject:
			s.Pos++
			*depth--
		default:
			return false, ErrSyntax
		}
	}
	return false, nil
}

// key skips the name of a member and its colon, and returns the name with its
// quotes.
func (s *Scanner) key() ([]byte, error) {
	start := s.Pos
	if err := s.str(); err != nil {
		return nil, err
	}
	name := s.Text[start:s.Pos]
	s.Space()
	if !s.Take(':') {
		return nil, ErrSyntax
	}
	s.Space()
	return name, nil
}

// str skips a string.
func (s *Scanner) str() error {
	if !s.Take('"') {
		return ErrSyntax
	}
	for s.Pos < len(s.Text) {
		switch c := s.Text[s.Pos]; {
		case c == '"':
			s.Pos++
			return nil
		case c < 0x20:
			return ErrSyntax
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		default:
			s.Pos++
		}
	}
	return ErrSyntax
}

// escape skips one escape sequence. Lone surrogates are valid by the grammar.
func (s *Scanner) escape() error {
	s.Pos++
	switch s.Peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.Pos++
		return nil
	case 'u':
		if digits := s.Text[s.Pos+1:]; len(digits) >= 4 && isHex(digits[:4]) {
			s.Pos += 5
			return nil
		}
	}
	return ErrSyntax
}

func isHex(digits []byte) bool {
	for _, c := range digits {
		if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f') {
			return false
		}
	}
	return true
}

// number skips a number.
func (s *Scanner) number() error {
	s.Take('-')
	if !s.Take('0') && !s.digits() {
		return ErrSyntax
	}
	if s.Take('.') && !s.digits() {
		return ErrSyntax
	}
	if s.Take('e') || s.Take('E') {
		if !s.Take('+') {
			s.Take('-')
		}
		if !s.digits() {
			return ErrSyntax
		}
	}
	return nil
}

// digits skips digits and reports whether there was one.
func (s *Scanner) digits() bool {
	start := s.Pos
	for s.Pos < len(s.Text) && '0' <= s.Text[s.Pos] && s.Text[s.Pos] <= '9' {
		s.Pos++
	}
	return s.Pos > start
}

// literal skips lit.
func (s *Scanner) literal(lit string) error {
	if end := s.Pos + len(lit); end <= len(s.Text) && string(s.Text[s.Pos:end]) == lit {
		s.Pos = end
		return nil
	}
	return ErrSyntax
}
