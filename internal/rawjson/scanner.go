// Package rawjson finds the positions of values in JSON (RFC 8259) without decoding them. Both ends of the
// wire use it, so that they agree on what is an object.
package rawjson

import "errors"

// MaxDepth is the maximum nesting of arrays and objects, including the outermost. A record of netlog has
// a depth of 4. The Scanner keeps one bit per level in a uint64, so it needs neither recursion nor a
// stack.
const MaxDepth = 64

// MaxMembers is the maximum number of top-level members of an entry. A record of netlog has ten.
const MaxMembers = 1000

// The errors of a Scanner.
var (
	ErrSyntax  = errors.New("invalid JSON")
	ErrDepth   = errors.New("JSON nested too deep")
	ErrMembers = errors.New("an object has too many members")
)

// A Scanner skips JSON values. It accepts exactly the grammar of RFC 8259: no comments, no leading zeros, no
// raw control characters. It does not check whether strings are valid UTF-8.
type Scanner struct {
	Text []byte
	Pos  int // index of the next byte
}

// Peek returns the next byte, or 0 at the end. Since a zero byte is never valid outside a string, callers
// need not distinguish the two.
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

// Value skips the value at the next byte. depth is its nesting level, which is 0 at the top.
func (s *Scanner) Value(depth int) error {
	var objects uint64 // bit n is set if the container at level n is an object
	base := depth
	for {
		opened, err := s.open(&objects, &depth)
		if err != nil {
			return err
		}
		if opened {
			continue // with the first value inside
		}
		more, err := s.end(objects, &depth, base)
		if err != nil || !more {
			return err
		}
	}
}

// open skips a scalar or an empty container. It enters any other container up to its first value and
// returns true.
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
		_, err := s.Key()
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

// end closes the containers that end after a value, and reports whether another value follows.
func (s *Scanner) end(objects uint64, depth *int, base int) (bool, error) {
	for *depth > base {
		s.Space()
		isObject := objects>>(*depth-1)&1 == 1
		switch c := s.Peek(); {
		case c == ',':
			s.Pos++
			s.Space()
			if isObject {
				_, err := s.Key()
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

// Key skips the name of a member and the colon. It returns the name with its quotes.
func (s *Scanner) Key() ([]byte, error) {
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

// More skips what follows a value in an array or object, which ends with the byte end. It reports whether
// another element or member follows.
func (s *Scanner) More(end byte) (bool, error) {
	s.Space()
	if s.Take(end) {
		return false, nil
	}
	if !s.Take(',') {
		return false, ErrSyntax
	}
	s.Space()
	return true, nil
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

// escape skips an escape sequence. The grammar allows lone surrogates.
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
