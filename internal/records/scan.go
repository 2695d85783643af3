package records

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-netlog/netlog/internal/rawjson"
)

// errMore is returned if the scanner needs more text.
var errMore = errors.New("need more text")

// maxToken is more than the length of a JSON literal or escape sequence in bytes. An error closer to the
// end of the text may be due to a token that is cut there.
const maxToken = 8

// scanner finds the records in a text, which is the part of a stream that has been read and is still
// needed. It checks the syntax of an object up to the end of the first record in it. What follows in the
// object, and the contents of arrays, are scanned like further values of the stream.
type scanner struct {
	text []byte
	pos  int  // index of the next byte
	line int  // line of pos, counted from 1
	eof  bool // the stream ends with text
	max  int  // maximum size of a record in bytes

	open     int  // number of containers around pos
	openLine int  // line of the outermost of them
	lineOpen int  // value of open at the beginning of the line
	skip     bool // the rest of the line must be skipped
	lost     bool // lines must be skipped up to one that begins like JSON
}

// next returns the bytes of the next record, which are valid until text changes, and its first line. After
// an error, next continues with the line after the one where the unreadable value began.
func (s *scanner) next() (raw []byte, line int, err error) {
	for raw == nil && err == nil {
		raw, line, err = s.value()
	}
	if err == errMore && s.eof {
		switch {
		case s.pos < len(s.text):
			err = errTorn
		case s.open > 0:
			s.lineOpen, line, err = 0, s.openLine, errTorn
		}
	}
	if err != nil && err != errMore {
		s.skip, s.open = true, s.lineOpen
	}
	return raw, line, err
}

// value scans one value, or one byte between values. If the value contains a record, value returns the first
// one, and stops at its end.
func (s *scanner) value() (raw []byte, line int, err error) {
	if !s.space() {
		return nil, s.line, errMore
	}
	c := s.text[s.pos]
	if s.lost {
		begins, sure := beginsJSON(s.text[s.pos:])
		switch {
		case !sure && !s.eof:
			return nil, s.line, errMore
		case !begins:
			s.skip = true
			return nil, s.line, nil
		}
	}
	s.lost = false
	switch {
	case c == '{':
		return s.object()
	case c == '[':
		s.enter(1)
		s.pos++
	case c == '"':
		return nil, s.line, s.str()
	case isWord(c):
		return nil, s.line, s.word()
	case s.open == 0:
		return nil, s.line, unexpected(c)
	case c == ']', c == '}':
		s.open--
		s.pos++
	case c == ',', c == ':':
		s.pos++
	default:
		return nil, s.line, unexpected(c)
	}
	return nil, s.line, nil
}

func unexpected(c byte) error { return fmt.Errorf("not JSON: unexpected %q", c) }

// space skips the bytes between values: white space, the separator of RFC 7464, byte order marks of
// files that were joined, and zero bytes, which fill a file that was emptied while it was written. It
// reports whether anything follows.
func (s *scanner) space() bool {
	for s.pos < len(s.text) {
		if s.skip {
			n := bytes.IndexByte(s.text[s.pos:], '\n')
			if n < 0 {
				s.pos = len(s.text)
				break
			}
			s.pos += n
			s.skip = false
		}
		switch s.text[s.pos] {
		case '\n':
			s.line++
			s.lineOpen = s.open
		case ' ', '\t', '\r', 0x1e, 0:
		case bom[0]:
			rest := s.text[s.pos:]
			if !bytes.HasPrefix(rest, bom) {
				return s.eof || len(rest) >= len(bom)
			}
			s.pos += len(bom) - 1
		default:
			return true
		}
		s.pos++
	}
	return false
}

var bom = []byte("\xef\xbb\xbf") // U+FEFF in UTF-8

// enter adds n to the number of open containers.
func (s *scanner) enter(n int) {
	if s.open == 0 {
		s.openLine = s.line
	}
	s.open += n
}

// skipTo continues at index end.
func (s *scanner) skipTo(end int) {
	if n := bytes.Count(s.text[s.pos:end], []byte("\n")); n > 0 {
		s.line += n
		s.lineOpen = s.open
	}
	s.pos = end
}

// object scans an object. An object that is larger than a record may be is scanned like an array, unless
// it is a record.
func (s *scanner) object() (raw []byte, line int, err error) {
	f := finder{Scanner: rawjson.Scanner{Text: s.text, Pos: s.pos}, record: -1}
	raw, err = f.object(0)
	switch tooLarge := f.Pos-s.pos > s.max; {
	case tooLarge && f.record == s.pos:
		return nil, s.line, errTooLarge
	case tooLarge:
		s.enter(1)
		s.pos++
		return nil, s.line, nil
	case err != nil:
		return nil, s.line, s.objectError(f.Pos, err)
	case raw != nil:
		s.enter(f.depth)
		s.skipTo(f.record)
	}
	line = s.line
	s.skipTo(f.Pos)
	return raw, line, nil
}

// objectError returns the error for an object in which err was found at index pos.
func (s *scanner) objectError(pos int, err error) error {
	if !s.eof && pos+maxToken > len(s.text) {
		return errMore
	}
	s.lost = bytes.IndexByte(s.text[s.pos:pos], '\n') >= 0 // further lines may belong to the object
	switch {
	case err == rawjson.ErrDepth:
		return errTooDeep
	case pos == len(s.text):
		return errTorn
	}
	return unexpected(s.text[pos])
}

// str scans a string.
func (s *scanner) str() error {
	f := rawjson.Scanner{Text: s.text, Pos: s.pos}
	err := f.Value(0)
	switch {
	case f.Pos-s.pos > s.max:
		return errTooLarge
	case err != nil && f.Pos+maxToken > len(s.text):
		return errMore
	case err != nil:
		return unexpected(s.text[f.Pos])
	}
	s.pos = f.Pos
	return nil
}

// word scans a number, true, false or null.
func (s *scanner) word() error {
	end := s.pos
	for end < len(s.text) && isWord(s.text[end]) {
		end++
	}
	word := s.text[s.pos:end]
	switch {
	case len(word) > s.max:
		return errTooLarge
	case end == len(s.text) && !s.eof:
		return errMore
	case !json.Valid(word):
		return fmt.Errorf("not JSON: %.40q", word)
	}
	s.pos = end
	return nil
}

// isWord reports whether c can be part of a number or a literal.
func isWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E'
}
