package logtail

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// object is what Write passes on of a JSON object.
type object struct {
	members []byte // without the braces
	moved   []byte // what has to make way, or nil
	detail  string // why
}

// parseObject reports whether p is one JSON object (RFC 8259) and nothing else.
// The members are the bytes of p, but for invalid UTF-8, which becomes U+FFFD:
// JSON text is UTF-8 (section 8.1), and a strict receiver would refuse it.
//
// A top-level member "logtail", however its name is spelled, makes way for ours.
// So does the whole object when a name occurs twice in it: what such an object
// says depends on who reads it (section 4).
func parseObject(p []byte) (object, bool) {
	p = bytes.Trim(p, " \t\r\n")
	s := scanner{p: p}
	if !s.object(1) || s.i != len(p) {
		return object{}, false
	}
	if !utf8.Valid(p) {
		return parseObject(bytes.ToValidUTF8(p, []byte("\ufffd")))
	}
	if s.doubled() {
		return object{moved: p, detail: "doubled member name"}, true
	}
	i := slices.IndexFunc(s.top, func(m member) bool { return string(m.name) == "logtail" })
	if i < 0 {
		return object{members: bytes.Trim(p[1:len(p)-1], " \t\r\n")}, true
	}
	obj := object{moved: p[s.top[i].value:s.top[i].end], detail: "duplicate logtail member"}
	for j, m := range s.top {
		if j == i {
			continue
		}
		if len(obj.members) > 0 {
			obj.members = append(obj.members, ',')
		}
		obj.members = append(obj.members, p[m.start:m.end]...)
	}
	return obj, true
}

// member is where a top-level member lies in the object.
type member struct {
	name              []byte // without the quotes, unescaped
	start, value, end int
}

// doubled reports whether two top-level members have the same name.
func (s *scanner) doubled() bool {
	if len(s.top) <= 16 {
		for i, m := range s.top {
			for _, n := range s.top[:i] {
				if bytes.Equal(m.name, n.name) {
					return true
				}
			}
		}
		return false
	}
	seen := make(map[string]bool, len(s.top))
	for _, m := range s.top {
		seen[string(m.name)] = true
	}
	return len(seen) < len(s.top)
}
