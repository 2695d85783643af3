package records

import (
	"encoding/json"
	"fmt"
)

// token continues a string or word, and reports whether it is complete.
func (s *scanner) token() (done bool, err error) {
	isString := s.inTok == '"'
	if isString {
		done, err = s.str()
	} else {
		done = s.word()
	}
	if !done || err != nil {
		return false, err
	}
	s.inTok = 0
	top := s.top()
	switch {
	case top == nil && !isString:
		if w := s.buf[s.tok-s.base : s.pos]; !json.Valid(w) {
			return false, fmt.Errorf("records: not JSON: %.40q", w)
		}
	case top == nil:
	case isString && top.wantsKey():
		top.state = objColon
		if isRecordKey(s.buf[s.tok+1-s.base : s.pos-1]) {
			return true, s.record(top)
		}
	default:
		top.valueDone()
	}
	return true, nil
}

// record records that f is a record. If f begins a line inside another record, that record was torn
// between two values, without any wrong character.
func (s *scanner) record(f *frame) error {
	switch {
	case s.rec == 0 && !f.isEnv:
		s.rec = len(s.frames)
	case s.rec != 0 && s.rec < len(s.frames) && f.start == s.lineStart:
		return errTorn
	}
	return nil
}

// str continues to the byte after the closing quote.
func (s *scanner) str() (done bool, err error) {
	for ; s.pos < len(s.buf); s.pos++ {
		switch c := s.buf[s.pos]; {
		case c < ' ': // so that a line torn inside a string is noticed at its end
			return false, unexpected(c)
		case s.esc:
			s.esc = false
		case c == '\\':
			s.esc = true
		case c == '"':
			s.pos++
			return true, nil
		}
	}
	return false, nil
}

// word continues to the end of a number, true, false or null.
func (s *scanner) word() bool {
	for s.pos < len(s.buf) && isWord(s.buf[s.pos]) {
		s.pos++
	}
	return s.pos < len(s.buf) || s.eof
}

// isWord reports whether c can be part of a number or a literal. The decoder checks the words that it
// reads. The scanner checks only words outside any container, which the decoder does not read.
func isWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E'
}
