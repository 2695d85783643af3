package receiver

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// Why a body is refused. The texts go to the client; they quote nothing of it.
var (
	errUTF8       = errors.New("invalid UTF-8")
	errNotObject  = errors.New("an entry is not a JSON object")
	errDoubled    = errors.New("an entry has a member twice")
	errDisguised  = errors.New("an entry has a member that differs from \"logtail\" in case only")
	errEmpty      = errors.New("empty body")
	errManyItems  = errors.New("too many entries")
	errLargeEntry = errors.New("an entry is too large")
	errMembers    = errors.New("an entry has too many members")
)

// maxMembers is how many members an entry may have, those inside of them not
// counted. A record has ten.
const maxMembers = 1000

// entry is one entry of a body: the bytes of an object, and where its member
// "logtail" is in them.
type entry struct {
	raw  []byte // from '{' to '}'
	meta span   // the value of "logtail"; empty: there is none
	cut  span   // what to leave out of raw to remove the member, its comma included
	bare bool   // the object has no other member
}

// span is a range of bytes, empty where end is 0.
type span struct{ start, end int }

// A member of an object, as offsets into its bytes.
type member struct {
	name         []byte // unquoted
	start, value int    // of the name's quote, and of the value
	end          int    // of the value
}

// A splitter cuts a body into entries. It is reused from body to body and
// serves one at a time.
type splitter struct {
	entries []entry
	members []member
}

// split cuts body, a JSON array of objects or a run of objects with white space
// between them (lines, or a single object), into entries. They point into body and
// are valid until the next call.
func (sp *splitter) split(body []byte, maxEntries, maxBytes int) ([]entry, error) {
	sp.entries = sp.entries[:0]
	if !utf8.Valid(body) {
		return nil, errUTF8
	}
	s := scanner{b: body}
	s.space()
	if s.i == len(body) {
		return nil, errEmpty
	}
	isArray := s.take('[')
	for s.space(); ; s.space() {
		if isArray && len(sp.entries) == 0 && s.take(']') || !isArray && s.i == len(body) {
			break
		}
		if len(sp.entries) == maxEntries {
			return nil, errManyItems
		}
		e, err := sp.object(&s)
		if err != nil {
			return nil, err
		}
		if len(e.raw) > maxBytes {
			return nil, errLargeEntry
		}
		sp.entries = append(sp.entries, e)
		if !isArray {
			continue
		}
		if s.space(); s.take(']') {
			break
		}
		if !s.take(',') {
			return nil, errSyntax
		}
	}
	if s.space(); s.i != len(body) {
		return nil, errSyntax
	}
	return sp.entries, nil
}

// object reads one entry.
func (sp *splitter) object(s *scanner) (entry, error) {
	if s.peek() != '{' {
		if err := s.value(1); err != nil {
			return entry{}, err
		}
		return entry{}, errNotObject
	}
	start := s.i
	var err error
	if sp.members, err = s.object(sp.members[:0], 0); err != nil {
		return entry{}, err
	}
	if doubled(sp.members) {
		return entry{}, errDoubled
	}
	e := entry{raw: s.b[start:s.i], bare: len(sp.members) == 0}
	for n, m := range sp.members {
		if !bytes.EqualFold(m.name, []byte("logtail")) {
			continue
		}
		// Many readers match names without regard to case, and would
		// take such a member for the server's own.
		if string(m.name) != "logtail" {
			return entry{}, errDisguised
		}
		e.meta = span{m.value - start, m.end - start}
		e.cut = span{m.start - start, m.end - start}
		e.bare = len(sp.members) == 1
		switch {
		case n > 0:
			e.cut.start = sp.members[n-1].end - start
		case !e.bare:
			e.cut.end = sp.members[1].start - start
		}
	}
	return e, nil
}

// object skips the object that starts at the next byte, at nesting level depth,
// and appends its members to dst.
func (s *scanner) object(dst []member, depth int) ([]member, error) {
	if !s.take('{') {
		return dst, errSyntax
	}
	if s.space(); s.take('}') {
		return dst, nil
	}
	for {
		m := member{start: s.i}
		name, err := s.key()
		if err != nil {
			return dst, err
		}
		m.name, m.value = unquote(name), s.i
		if err := s.value(depth + 1); err != nil {
			return dst, err
		}
		m.end = s.i
		if len(dst) == maxMembers {
			return dst, errMembers
		}
		dst = append(dst, m)
		s.space()
		if s.take('}') {
			return dst, nil
		}
		if !s.take(',') {
			return dst, errSyntax
		}
		s.space()
	}
}

// doubled reports whether two members have the same name. Readers disagree on
// which of two counts, so such an entry has no one meaning.
func doubled(members []member) bool {
	const few = 32 // below it comparing all pairs is the cheapest
	if len(members) <= few {
		for n, m := range members {
			for _, o := range members[:n] {
				if bytes.Equal(m.name, o.name) {
					return true
				}
			}
		}
		return false
	}
	seen := make(map[string]struct{}, len(members))
	for _, m := range members {
		seen[string(m.name)] = struct{}{}
	}
	return len(seen) < len(members)
}
