package rawjson

import (
	"bytes"
	"encoding/json"
)

// A Member is a member of an object, as offsets into the text.
type Member struct {
	Name         []byte // without the quotes, unescaped
	Start, Value int    // of the name's quote, and of the value
	End          int    // of the value
}

// Object skips the object that begins at the next byte, at nesting level depth,
// which is below MaxDepth, and appends its members to dst, which may hold at most
// limit of them.
func (s *Scanner) Object(dst []Member, depth, limit int) ([]Member, error) {
	if !s.Take('{') {
		return dst, ErrSyntax
	}
	if s.Space(); s.Take('}') {
		return dst, nil
	}
	for {
		m := Member{Start: s.Pos}
		name, err := s.key()
		if err != nil {
			return dst, err
		}
		m.Name, m.Value = Unquote(name), s.Pos
		if err := s.Value(depth + 1); err != nil {
			return dst, err
		}
		m.End = s.Pos
		if len(dst) >= limit {
			return dst, ErrMembers
		}
		dst = append(dst, m)
		s.Space()
		if s.Take('}') {
			return dst, nil
		}
		if !s.Take(',') {
			return dst, ErrSyntax
		}
		s.Space()
	}
}

// HasDuplicate reports whether two members have the same name. Readers disagree on
// which of two counts (RFC 8259, section 4), so such an object has no one meaning.
func HasDuplicate(members []Member) bool {
	const few = 32 // below it comparing all pairs is the cheapest
	if len(members) <= few {
		for n, m := range members {
			for _, o := range members[:n] {
				if bytes.Equal(m.Name, o.Name) {
					return true
				}
			}
		}
		return false
	}
	seen := make(map[string]struct{}, len(members))
	for _, m := range members {
		seen[string(m.Name)] = struct{}{}
	}
	return len(seen) < len(members)
}

// Unquote returns what quoted, a valid JSON string with its quotes, stands for:
// a part of it where it has no escapes. A lone surrogate is U+FFFD, as every
// reader has it.
func Unquote(quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return inner // not a valid string
	}
	return []byte(s)
}

// AppendLine appends text, valid JSON, in one line. A line break in it can only be
// white space between tokens, where a blank means the same.
func AppendLine(dst, text []byte) []byte {
	from := len(dst)
	dst = append(dst, text...)
	for _, c := range []byte("\n\r") {
		for at := from; ; at++ {
			n := bytes.IndexByte(dst[at:], c)
			if n < 0 {
				break
			}
			at += n
			dst[at] = ' '
		}
	}
	return dst
}
