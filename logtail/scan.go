package logtail

import (
	"bytes"
	"encoding/json"
)

// maxDepth bounds the nesting of an object that Write takes as such. A deeper one
// travels as text: few receivers read it, and a parser must not run out of stack.
const maxDepth = 100

// scanner checks the grammar of RFC 8259. Its methods advance i past what they
// are named for, or return false.
type scanner struct {
	p   []byte
	i   int
	top []member // of the outermost object
}

func (s *scanner) byte(c byte) bool {
	if s.i < len(s.p) && s.p[s.i] == c {
		s.i++
		return true
	}
	return false
}

func (s *scanner) space() {
	for s.i < len(s.p) {
		switch s.p[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

func (s *scanner) object(depth int) bool {
	if depth > maxDepth || !s.byte('{') {
		return false
	}
	s.space()
	if s.byte('}') {
		return true
	}
	for {
		s.space()
		m := member{start: s.i}
		if !s.string() {
			return false
		}
		nameEnd := s.i
		s.space()
		if !s.byte(':') {
			return false
		}
		s.space()
		m.value = s.i
		if !s.value(depth) {
			return false
		}
		m.end = s.i
		if depth == 1 {
			m.name = unquote(s.p[m.start:nameEnd])
			s.top = append(s.top, m)
		}
		s.space()
		if s.byte('}') {
			return true
		}
		if !s.byte(',') {
			return false
		}
	}
}

func (s *scanner) array(depth int) bool {
	if depth > maxDepth || !s.byte('[') {
		return false
	}
	s.space()
	if s.byte(']') {
		return true
	}
	for {
		s.space()
		if !s.value(depth) {
			return false
		}
		s.space()
		if s.byte(']') {
			return true
		}
		if !s.byte(',') {
			return false
		}
	}
}

func (s *scanner) value(depth int) bool {
	if s.i == len(s.p) {
		return false
	}
	switch s.p[s.i] {
	case '{':
		return s.object(depth + 1)
	case '[':
		return s.array(depth + 1)
	case '"':
		return s.string()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

func (s *scanner) word(w string) bool {
	if !bytes.HasPrefix(s.p[s.i:], []byte(w)) {
		return false
	}
	s.i += len(w)
	return true
}

func (s *scanner) string() bool {
	if !s.byte('"') {
		return false
	}
	for s.i < len(s.p) {
		c := s.p[s.i]
		s.i++
		switch {
		case c == '"':
			return true
		case c < ' ':
			return false
		case c == '\\' && !s.escape():
			return false
		}
	}
	return false
}

func (s *scanner) escape() bool {
	if s.i == len(s.p) {
		return false
	}
	c := s.p[s.i]
	s.i++
	if c != 'u' {
		return bytes.IndexByte([]byte(`"\/bfnrt`), c) >= 0
	}
	if len(s.p)-s.i < 4 {
		return false
	}
	for _, c := range s.p[s.i : s.i+4] {
		if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f') {
			return false
		}
	}
	s.i += 4
	return true
}

func (s *scanner) number() bool {
	s.byte('-')
	if !s.byte('0') && !s.digits() {
		return false
	}
	if s.byte('.') && !s.digits() {
		return false
	}
	if s.byte('e') || s.byte('E') {
		if !s.byte('+') {
			s.byte('-')
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.p) && '0' <= s.p[s.i] && s.p[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}

// unquote returns what a valid JSON string says, without a copy where it can.
func unquote(quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var name string
	if json.Unmarshal(quoted, &name) != nil {
		return inner
	}
	return []byte(name)
}
