// Package records finds network flow records in files and streams.
//
// A record may be a line, an element of an array, part of the envelope of an API, or have
// further members that a log shipper added. It must be valid JSON. After invalid JSON, the reader
// continues with the next line. A stream that begins like another format, such as an archive or
// UTF-16, is one error, which says what the stream looks like.
//
//	r := records.NewReader(os.Stdin, "")
//	for {
//		rec, err := r.Next()
//		if err == io.EOF {
//			break
//		}
//		...
//	}
package records

import (
	"cmp"
	"fmt"

	"github.com/go-netlog/netlog/internal/rawjson"
	"github.com/go-netlog/netlog/record"
)

// Record is an entry with its origin.
type Record struct {
	record.Entry
	Raw []byte `json:"-"` // the bytes of the record, as they were read
	Pos Pos    `json:"-"` // where they were read
}

// IsEvent reports whether r is an event. A record of flows is not, even if a log shipper added an event member.
func (r *Record) IsEvent() bool { return r.Event != "" && r.Start.IsZero() }

// UnmarshalJSON decodes one record. It keeps data in r.Raw.
func (r *Record) UnmarshalJSON(data []byte) error {
	r.Raw = data
	return r.Entry.UnmarshalJSON(data)
}

// Pos is a position in a file. The zero Pos is no position.
type Pos struct {
	File string // as given to the reader; empty for a stream
	Line int    // counted from 1
}

// String returns the position as file:line.
func (p Pos) String() string { return fmt.Sprintf("%s:%d", cmp.Or(p.File, "-"), p.Line) }

// Sent returns the bytes of r before and after the value of its server time. They are equal in
// two copies of one entry that the receiver stored.
func (r *Record) Sent() (before, after []byte) {
	for _, m := range members(r.Raw) {
		if string(m.Name) != "logtail" {
			continue
		}
		for _, n := range members(r.Raw[m.Value:m.End]) {
			if string(n.Name) == "server_time" {
				return r.Raw[:m.Value+n.Value], r.Raw[m.Value+n.End:]
			}
		}
	}
	return r.Raw, nil
}

// members returns the members of the JSON object in b, or nil if b is something else.
func members(b []byte) []rawjson.Member {
	s := rawjson.Scanner{Text: b}
	s.Space()
	list, err := s.Object(nil, 0, len(b))
	if err != nil {
		return nil
	}
	return list
}

// Error is a position in the input that could not be read as a record. The reader has
// skipped it and can continue.
type Error struct {
	Pos Pos
	Err error
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%v: %v", e.Pos, e.Err) }

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }
