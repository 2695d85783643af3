package logtail

import (
	"bytes"
	"strconv"
	"time"
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
