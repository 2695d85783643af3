package logtail

import (
	"bytes"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-netlog/netlog/internal/rawjson"
)

// An entry is the object of the caller with a first member of ours. Since the sequence number is
// known only when the entry is queued, the part after it, the tail, is encoded first and without
// a lock, after some room for the head. The head is written last, right-aligned:
//
//	  room (maxHead bytes)                                           tail
//	........{"logtail":{"client_time":"...","proc_id":1,"proc_seq":2},"a":1}
//
// The entry begins at the brace, so the bytes of a record are written only once.

const (
	headStart = `{"logtail":{"client_time":"`
	headTime  = "2006-01-02T15:04:05.000000000Z"
	maxHead   = len(headStart) + len(headTime) + len(`","proc_id":`) + 10 + len(`,"proc_seq":`) + 20 + 8 // 8: years past 9999
)

// appendHead appends the head of an entry, up to its sequence number.
func appendHead(dst []byte, at time.Time, procID uint32, seq uint64) []byte {
	dst = append(dst, headStart...)
	dst = at.UTC().AppendFormat(dst, headTime)
	dst = append(dst, `","proc_id":`...)
	dst = strconv.AppendUint(dst, uint64(procID), 10)
	dst = append(dst, `,"proc_seq":`...)
	return strconv.AppendUint(dst, seq, 10)
}

// setHead writes the head before the tail in scratch, which begins with room for it, and returns
// the entry.
func setHead(scratch []byte, at time.Time, procID uint32, seq uint64) []byte {
	var room [maxHead]byte
	head := appendHead(room[:0], at, procID, seq)
	entry := scratch[maxHead-len(head):]
	copy(entry, head)
	return entry
}

// clientTime returns when entry was written, or false if it was not written by a Logger.
func clientTime(entry []byte) (time.Time, bool) {
	rest, ok := bytes.CutPrefix(entry, []byte(headStart))
	if !ok || len(rest) < len(headTime) {
		return time.Time{}, false
	}
	var at time.Time
	err := at.UnmarshalText(rest[:len(headTime)]) // what time.Parse does, without a string
	return at, err == nil
}

// appendRoom empties scratch and appends room for a head.
func appendRoom(scratch []byte) []byte {
	var room [maxHead]byte
	return append(scratch[:0], room[:]...)
}

// appendTail appends the tail of the entry for p: a JSON object, or text.
func appendTail(dst, p []byte) []byte {
	obj, ok := parseObject(p)
	if !ok {
		dst = append(dst, `},"text":`...)
		dst = appendText(dst, p)
		return append(dst, '}')
	}
	if obj.moved != nil {
		dst = append(dst, `,"error":{"detail":"`...)
		dst = append(dst, obj.detail...)
		dst = append(dst, `","bad_data":`...)
		dst = append(dst, obj.moved...)
		dst = append(dst, '}')
	}
	dst = append(dst, '}')
	if len(obj.members) > 0 {
		dst = append(dst, ',')
		dst = append(dst, obj.members...)
	}
	return append(dst, '}')
}

// appendMembersTail appends the tail of the entry whose members f appends.
func appendMembersTail(dst []byte, f func([]byte) []byte) []byte {
	dst = append(dst, '}', ',')
	start := len(dst)
	dst = f(dst)
	if len(dst) == start {
		dst = dst[:start-1]
	}
	return append(dst, '}')
}

// appendLossTail appends the tail of an entry that reports dropped entries.
func appendLossTail(dst []byte, entries, bytes uint64) []byte {
	dst = append(dst, `},"text":"logtail: `...)
	dst = strconv.AppendUint(dst, entries, 10)
	dst = append(dst, ` entries were dropped before they could be delivered","droppedEntries":`...)
	dst = strconv.AppendUint(dst, entries, 10)
	dst = append(dst, `,"droppedBytes":`...)
	dst = strconv.AppendUint(dst, bytes, 10)
	return append(dst, '}')
}

// maxText bounds the text of an entry. It is longer than any line of a log.
const maxText = 16 << 10 // bytes, before escaping

// appendText appends p as a JSON string (RFC 8259, section 7) without its final
// newline. It cuts p to maxText, without splitting a rune, and then appends "\u2026+" and the
// number of bytes cut.
func appendText(dst, p []byte) []byte {
	p = bytes.TrimSuffix(p, []byte("\n"))
	cut := 0
	if len(p) > maxText {
		end := maxText
		for end > maxText-utf8.UTFMax && !utf8.RuneStart(p[end]) {
			end--
		}
		p, cut = p[:end], len(p)-end
	}
	dst = append(dst, '"')
	dst = rawjson.AppendEscaped(dst, string(p))
	if cut > 0 {
		dst = append(dst, "\u2026+"...)
		dst = strconv.AppendInt(dst, int64(cut), 10)
	}
	return append(dst, '"')
}

// object is a JSON object as Write sends it.
type object struct {
	members []byte // without the braces
	moved   []byte // the part for logtail.error.bad_data, or nil
	detail  string // why it is moved
}

// movedDepth is the nesting level of logtail.error.bad_data in an entry. An object that would be
// nested too deep there for a receiver is sent as text.
const movedDepth = 3

// parseObject parses p and reports whether it is one JSON object (RFC 8259) and nothing else. The
// members are the bytes of p, except that invalid UTF-8 becomes U+FFFD, because JSON must be UTF-8
// (section 8.1) and a strict receiver would refuse it.
//
// A top-level member that resembles "logtail" is moved; see isOurs. The whole object is moved if
// it has several of them, if it has more members than our receiver accepts, or if a name occurs
// twice, since its meaning then depends on the reader (section 4).
func parseObject(p []byte) (object, bool) {
	p = bytes.Trim(p, " \t\r\n")
	s := rawjson.Scanner{Text: p}
	members, err := s.Object(nil, movedDepth, len(p))
	if err != nil || s.Pos != len(p) {
		return object{}, false
	}
	if !utf8.Valid(p) {
		return parseObject(bytes.ToValidUTF8(p, []byte("\ufffd")))
	}
	at := slices.IndexFunc(members, isOurs)
	switch {
	case rawjson.HasDuplicate(members):
		return object{moved: p, detail: "doubled member name"}, true
	case at >= 0 && slices.ContainsFunc(members[at+1:], isOurs):
		return object{moved: p, detail: "several logtail members"}, true
	case len(members) >= rawjson.MaxMembers: // with ours there is one more
		return object{moved: p, detail: "too many members"}, true
	case at < 0:
		return object{members: bytes.Trim(p[1:len(p)-1], " \t\r\n")}, true
	}
	obj := object{moved: p[members[at].Value:members[at].End], detail: "duplicate logtail member"}
	for i, m := range members {
		if i == at {
			continue
		}
		if len(obj.members) > 0 {
			obj.members = append(obj.members, ',')
		}
		obj.members = append(obj.members, p[m.Start:m.End]...)
	}
	return obj, true
}

// isOurs reports whether some reader could mistake m for the metadata: its name begins with
// "logtail" in upper or lower case. Engines that flatten objects use names such as logtail.id and
// logtail_id.
func isOurs(m rawjson.Member) bool {
	const name = "logtail"
	return len(m.Name) >= len(name) && bytes.EqualFold(m.Name[:len(name)], []byte(name))
}

const maxScratch = 512 << 10 // bytes kept for the next entry

// takeScratch returns memory to encode an entry in, with room for its head.
func (q *queue) takeScratch() []byte {
	q.mu.Lock()
	scratch := q.scratch
	q.scratch = nil
	q.mu.Unlock()
	return appendRoom(scratch)
}

// putScratch keeps scratch for the next takeScratch, unless it is too large.
func (q *queue) putScratch(scratch []byte) {
	if cap(scratch) > maxScratch {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if cap(scratch) > cap(q.scratch) {
		q.scratch = scratch[:0]
	}
}

// releaseScratch frees the scratch memory.
func (q *queue) releaseScratch() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.scratch = nil
}
