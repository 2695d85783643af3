package records

import (
	"bytes"
	"errors"
)

// errMore is returned if the scanner needs more input.
var errMore = errors.New("records: need more input")

// scanner finds the records in a stream of JSON values, in one pass over its bytes.
//
// Whether an object is a record is known only after some of its members, so the scanner keeps every
// open object from its first byte. A member with a name in [isRecordKey] makes it a record. A record
// inside makes it an envelope.
type scanner struct {
	buf  []byte // the part of the stream that is needed
	base int64  // offset of buf[0] in the stream
	pos  int    // index of the next byte in buf
	line int    // line of pos, counted from 1
	max  int    // maximum size of a record in bytes

	lineStart int64 // offset of the first byte of line
	eof       bool  // there is no more input
	frames    []frame
	rec       int   // 1 + index of the frame that is a record, or 0
	tok       int64 // offset of the string or word being read
	inTok     byte  // 0, '"' for a string, 'w' for a number or word
	esc       bool  // a backslash was the last byte
	skip      bool  // the rest of the line must be skipped
}

// isRecordKey reports whether an object with a member of that name is a record.
func isRecordKey(k []byte) bool {
	switch string(k) {
	case "virtualTraffic", "subnetTraffic", "exitTraffic", "physicalTraffic", "deniedTraffic", "logtail":
		return true
	}
	return false
}

// open reports whether a value is incomplete.
func (s *scanner) open() bool { return len(s.frames) > 0 || s.inTok != 0 }

// needed returns the offset of the first byte that is still needed.
func (s *scanner) needed() int64 {
	from := s.base + int64(s.pos)
	if s.inTok != 0 {
		from = min(from, s.tok)
	}
	for i := range s.frames {
		if !s.frames[i].isEnv {
			return min(from, s.frames[i].start)
		}
	}
	return from
}

// compact removes the bytes that are no longer needed.
func (s *scanner) compact() {
	from := s.needed()
	n := int(from - s.base)
	s.buf = s.buf[:copy(s.buf, s.buf[n:])]
	s.pos -= n
	s.base = from
}

// next returns the bytes of the next record and its first line. The bytes are valid until the
// buffer changes.
func (s *scanner) next() (raw []byte, line int, err error) {
	for {
		if s.skip && !s.skipLine() {
			break
		}
		if s.inTok != 0 {
			done, err := s.token()
			if err != nil {
				return s.fail(err)
			}
			if !done {
				break
			}
		}
		if s.pos == len(s.buf) {
			break
		}
		c := s.buf[s.pos]
		switch c {
		case ' ', '\t', '\r', 0x1e: // the last is the separator of RFC 7464
			s.pos++
			continue
		case '\n':
			s.pos++
			s.newline()
			continue
		}
		if raw, line, err = s.structure(c); raw != nil || err != nil {
			return raw, line, err
		}
	}
	if s.eof && s.open() {
		line = s.line
		if len(s.frames) > 0 {
			line = s.frames[0].line
		}
		s.reset()
		s.pos = len(s.buf)
		return nil, line, errTorn
	}
	if err := s.bound(); err != nil {
		return s.fail(err)
	}
	return nil, 0, errMore
}

// bound keeps incomplete values within s.max bytes. An object that is not known to be a record by
// then is treated as an envelope.
func (s *scanner) bound() error {
	if s.base+int64(len(s.buf))-s.needed() < int64(s.max) {
		return nil
	}
	if s.rec != 0 || s.inTok != 0 && s.base+int64(s.pos)-s.tok > int64(s.max/2) {
		return errTooLarge
	}
	for i := range s.frames {
		s.frames[i].isEnv = true
	}
	return nil
}

// newline begins a new line at pos.
func (s *scanner) newline() {
	s.line++
	s.lineStart = s.base + int64(s.pos)
}

// structure handles the first byte of a token.
func (s *scanner) structure(c byte) ([]byte, int, error) {
	top := s.top()
	switch c {
	case '{', '[':
		if top != nil && !top.wantsValue() {
			return s.fail(unexpected(c))
		}
		if len(s.frames) == maxDepth {
			return s.fail(errTooDeep)
		}
		f := frame{start: s.base + int64(s.pos), line: s.line, state: objFirst}
		if c == '[' {
			f.state, f.isEnv = arrFirst, true
		}
		s.frames = append(s.frames, f)
		s.pos++
	case '}', ']':
		if top == nil || !top.mayEnd(c) {
			return s.fail(unexpected(c))
		}
		s.pos++
		return s.end()
	case ',', ':':
		if top == nil || !top.separator(c) {
			return s.fail(unexpected(c))
		}
		s.pos++
	case '"':
		if top != nil && !top.wantsValue() && !top.wantsKey() {
			return s.fail(unexpected(c))
		}
		s.tok, s.inTok = s.base+int64(s.pos), '"'
		s.pos++
	default:
		if !isWord(c) || top != nil && !top.wantsValue() {
			return s.fail(unexpected(c))
		}
		s.tok, s.inTok = s.base+int64(s.pos), 'w'
		s.pos++
	}
	return nil, 0, nil
}

// end closes the innermost container. It returns the container if it is a record.
func (s *scanner) end() ([]byte, int, error) {
	n := len(s.frames) - 1
	f := s.frames[n]
	s.frames = s.frames[:n]
	if n > 0 {
		s.frames[n-1].valueDone()
	}
	if s.rec != n+1 {
		return nil, 0, nil
	}
	s.rec = 0
	for i := range s.frames {
		s.frames[i].isEnv = true
	}
	return s.buf[f.start-s.base : s.pos], f.line, nil
}

// fail drops the incomplete values and continues on the next line, or at the start of the current
// line if the values began on an earlier line and are torn there.
func (s *scanner) fail(err error) ([]byte, int, error) {
	line := s.line
	again := false
	if len(s.frames) > 0 {
		line = s.frames[max(s.rec-1, 0)].line
		again = s.frames[0].start < s.lineStart && s.lineStart >= s.base
	}
	s.reset()
	if again {
		s.pos = int(s.lineStart - s.base)
		return nil, line, err
	}
	s.skip = true
	return nil, line, err
}

// skipLine skips to the end of the line, and reports whether the buffer contains it.
func (s *scanner) skipLine() bool {
	i := bytes.IndexByte(s.buf[s.pos:], '\n')
	if i < 0 {
		s.pos = len(s.buf)
		return false
	}
	s.pos += i
	s.skip = false
	return true
}

// reset drops the incomplete values.
func (s *scanner) reset() {
	s.frames, s.rec, s.inTok, s.esc = s.frames[:0], 0, 0, false
}

func (s *scanner) top() *frame {
	if len(s.frames) == 0 {
		return nil
	}
	return &s.frames[len(s.frames)-1]
}
