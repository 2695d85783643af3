package receiver

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-netlog/netlog/internal/rawjson"
)

// entry is one entry of a body: the bytes of an object, and the position of its member "logtail".
type entry struct {
	raw  []byte // from '{' to '}'
	meta span   // the value of "logtail"; empty if there is none
	cut  span   // the member "logtail" and its comma, which are not stored
	bare bool   // the object has no other member
}

// metaName is the name of the member that the server adds.
const metaName = "logtail"

// span is a range of bytes. It is empty if end is 0.
type span struct{ start, end int }

// splitter splits a body into entries. It can be reused for the next body.
type splitter struct {
	entries []entry
	members []rawjson.Member
}

// emptied returns sp with its memory for the next request, without pointers into a body.
func (sp splitter) emptied() splitter {
	clear(sp.members[:cap(sp.members)]) // an earlier object may have had more members
	return splitter{entries: emptied(sp.entries), members: sp.members[:0]}
}

// split splits body into entries. The body is a JSON array of objects, or objects separated by white
// space. The entries point into body and are valid until the next call.
func (sp *splitter) split(body []byte, maxEntries, maxBytes int) ([]entry, error) {
	sp.entries = sp.entries[:0]
	if !utf8.Valid(body) {
		return nil, errUTF8
	}
	s := rawjson.Scanner{Text: body}
	s.Space()
	if s.Pos == len(body) {
		return nil, errEmpty
	}
	isArray := s.Take('[')
	for s.Space(); ; s.Space() {
		if isArray && len(sp.entries) == 0 && s.Take(']') || !isArray && s.Pos == len(body) {
			break
		}
		if len(sp.entries) == maxEntries {
			return nil, errManyEntries
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
		if s.Space(); s.Take(']') {
			break
		}
		if !s.Take(',') {
			return nil, rawjson.ErrSyntax
		}
	}
	if s.Space(); s.Pos != len(body) {
		return nil, rawjson.ErrSyntax
	}
	return sp.entries, nil
}

// object parses one entry.
func (sp *splitter) object(s *rawjson.Scanner) (entry, error) {
	if s.Peek() != '{' {
		if err := s.Value(1); err != nil {
			return entry{}, err
		}
		return entry{}, errNotObject
	}
	start := s.Pos
	var err error
	if sp.members, err = s.Object(sp.members[:0], 0, rawjson.MaxMembers); err != nil {
		return entry{}, err
	}
	if rawjson.HasDuplicate(sp.members) {
		return entry{}, errDuplicate
	}
	e := entry{raw: s.Text[start:s.Pos], bare: len(sp.members) == 0}
	for n, m := range sp.members {
		if len(m.Name) < len(metaName) || !bytes.EqualFold(m.Name[:len(metaName)], []byte(metaName)) {
			continue
		}
		// Many readers ignore the case of names. Engines that flatten objects name the
		// members of metaName logtail.id or logtail_id. Both would mistake such a member
		// for that of the server.
		if string(m.Name) != metaName {
			return entry{}, errReservedName
		}
		e.meta = span{m.Value - start, m.End - start}
		e.cut = span{m.Start - start, m.End - start}
		e.bare = len(sp.members) == 1
		switch {
		case n > 0:
			e.cut.start = sp.members[n-1].End - start
		case !e.bare:
			e.cut.end = sp.members[1].Start - start
		}
	}
	return e, nil
}
