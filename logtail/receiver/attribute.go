package receiver

import (
	"encoding/hex"
	"hash/maphash"
	"strconv"
	"time"

	"github.com/go-netlog/netlog/internal/rawjson"
	"github.com/go-netlog/netlog/logtail"
)

// clientMeta holds the valid parts of the "logtail" member of a client.
type clientMeta struct {
	time    time.Time // zero if not given
	proc    uint32
	seq     uint64
	hasProc bool
	hasSeq  bool
	err     []byte // an object, or nil
}

// hasKey reports whether m has the numbers that identify an entry.
func (m clientMeta) hasKey() bool { return m.hasProc && m.hasSeq }

// parseMeta parses the value of a "logtail" member, which is valid JSON. It ignores members of the
// wrong type. Of several members with the same name it uses the first.
func (sp *splitter) parseMeta(raw []byte) clientMeta {
	var m clientMeta
	s := rawjson.Scanner{Text: raw}
	var err error
	if sp.members, err = s.Object(sp.members[:0], 1, rawjson.MaxMembers); err != nil { // not an object
		return m
	}
	for _, f := range sp.members {
		v := raw[f.Value:f.End]
		switch string(f.Name) {
		case "client_time":
			if m.time.IsZero() {
				m.time = parseTime(v)
			}
		case "proc_id":
			if n, err := strconv.ParseUint(string(v), 10, 32); err == nil && !m.hasProc {
				m.proc, m.hasProc = uint32(n), true
			}
		case "proc_seq":
			if n, err := strconv.ParseUint(string(v), 10, 64); err == nil && !m.hasSeq {
				m.seq, m.hasSeq = n, true
			}
		case "error":
			if m.err == nil && v[0] == '{' {
				m.err = v
			}
		}
	}
	return m
}

// parseTime returns the time in the JSON value v in UTC, or zero if it is not valid.
func parseTime(v []byte) time.Time {
	const longest = 64 // bytes; RFC 3339 with nanoseconds and zone has 35
	if v[0] != '"' || len(v) > longest {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, string(rawjson.Unquote(v)))
	// RFC 3339 cannot express all years that the conversion to UTC can lead to.
	if t = t.UTC(); err != nil || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

// appendStamp appends the members that the server adds to all entries of a request.
func appendStamp(dst []byte, id logtail.PublicID, received time.Time) []byte {
	dst = append(dst, `"id":"`...)
	dst = hex.AppendEncode(dst, id[:])
	dst = append(dst, `","server_time":"`...)
	dst = received.UTC().AppendFormat(dst, time.RFC3339Nano)
	return append(dst, '"')
}

// appendEntry appends e as it is stored: on one line, with a new "logtail" member in front that
// includes the stamp, and the other bytes as the client sent them. It also returns where the stamp
// begins.
//
//	{"logtail":{"client_time":"...","proc_id":1,"proc_seq":2,"id":"...","server_time":"..."},...}
//
// A conflict gets conflictMark after the stamp.
func appendEntry(dst []byte, e entry, m clientMeta, stamp []byte) (out []byte, stampAt int) {
	dst = append(dst, storedStart...)
	dst = append(dst, '{')
	if !m.time.IsZero() {
		dst = append(dst, `"client_time":"`...)
		dst = m.time.AppendFormat(dst, time.RFC3339Nano)
		dst = append(dst, `",`...)
	}
	if m.hasProc {
		dst = append(dst, `"proc_id":`...)
		dst = strconv.AppendUint(dst, uint64(m.proc), 10)
		dst = append(dst, ',')
	}
	if m.hasSeq {
		dst = append(dst, `"proc_seq":`...)
		dst = strconv.AppendUint(dst, m.seq, 10)
		dst = append(dst, ',')
	}
	if m.err != nil {
		dst = append(dst, `"error":`...)
		dst = rawjson.AppendLine(dst, m.err)
		dst = append(dst, ',')
	}
	stampAt = len(dst)
	dst = append(dst, stamp...)
	dst = append(dst, '}')
	if e.bare {
		return append(dst, '}'), stampAt
	}
	dst = append(dst, ',')
	dst = rawjson.AppendLine(dst, e.raw[1:max(e.cut.start, 1)])
	return rawjson.AppendLine(dst, e.raw[max(e.cut.end, 1):]), stampAt
}

const (
	storedStart  = `{"logtail":` // of an entry as it is stored
	conflictMark = `,"conflict":true`
)

// hashContent returns the hash of a stored entry without the parts that the server adds: of the bytes
// before the stamp, and of the bytes after it and after the conflictMark. Two entries with the same
// hash count as the same entry.
func hashContent(seed maphash.Seed, before, after []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	h.Write(before)
	h.Write(after)
	return h.Sum64()
}
