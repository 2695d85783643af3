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

// Object skips the object at the next byte, and appends its members to dst, up to limit members in all.
// depth is the nesting level of the object, which must be below MaxDepth.
func (s *Scanner) Object(dst []Member, depth, limit int) ([]Member, error) {
	if !s.Take('{') {
		return dst, ErrSyntax
	}
	s.Space()
	for more := !s.Take('}'); more; {
		m := Member{Start: s.Pos}
		name, err := s.Key()
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
		if more, err = s.More('}'); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// HasDuplicate reports whether two members have the same name. Readers disagree on which of them to use
// (RFC 8259, section 4), so such an object is ambiguous.
func HasDuplicate(members []Member) bool {
	const few = 32 // below it, comparing all pairs is cheapest
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

// Unquote returns the value of quoted, a valid JSON string with its quotes. Without escapes, the result is
// a part of quoted. A lone surrogate becomes U+FFFD.
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

// AppendLine appends text, which is valid JSON, on one line. It replaces line breaks by spaces, since in
// JSON they can only be white space between tokens.
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
