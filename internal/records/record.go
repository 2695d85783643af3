// Package records reads network flow records back from files and streams.
//
// A record is found wherever it stands: on a line of its own, in an array, in
// the envelope of an API, or under the extra fields that a log shipper adds.
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
	"time"

	"github.com/go-netlog/netlog/record"
)

// Record is one entry as a receiver has stored it: the message of a node, what
// the receiver knows of it, or a line of text where it is no message.
type Record struct {
	record.Message
	Logtail Meta `json:"logtail,omitzero"`

	Text           string `json:"text,omitzero"`           // of an entry that is text
	DroppedEntries uint64 `json:"droppedEntries,omitzero"` // what the node says it had to drop
	DroppedBytes   uint64 `json:"droppedBytes,omitzero"`

	Raw []byte `json:"-"` // the bytes of the record, as they were read
	Pos Pos    `json:"-"` // where they were read
}

// Meta is what stands under "logtail": the ID, the server time and the
// conflict are the receiver's word, the rest is the node's.
type Meta struct {
	ID         string    `json:"id,omitzero"`          // public ID of the node, 64 hexadecimal digits
	ClientTime time.Time `json:"client_time,omitzero"` // when the node wrote the entry, by its clock
	ServerTime time.Time `json:"server_time,omitzero"` // when it came in, by the receiver's clock
	ProcID     uint32    `json:"proc_id,omitzero"`     // one process of the node, a random number
	ProcSeq    uint64    `json:"proc_seq,omitzero"`    // counts the entries of that process
	Conflict   bool      `json:"conflict,omitzero"`    // the receiver had another entry of that number
}

// Pos is a place in a file. The zero Pos is nowhere.
type Pos struct {
	File string // as given to the reader; empty: a stream
	Line int    // counted from 1
}

// String returns the place as file:line.
func (p Pos) String() string { return fmt.Sprintf("%s:%d", cmp.Or(p.File, "-"), p.Line) }

// Reporter names the node that wrote the record: the public ID that the
// receiver saw, or, where no receiver added one, the node ID inside. Two records
// with equal reporters come from one node; the text is not escaped.
func (r *Record) Reporter() string {
	return cmp.Or(r.Logtail.ID, r.NodeID, r.SrcNode.NodeID)
}

// HasSeq reports whether the node numbers its entries: what has no number can come
// twice, or be missing, unseen.
func (r *Record) HasSeq() bool { return r.Logtail.ProcSeq != 0 || r.Logtail.ProcID != 0 }

// Sent returns the bytes of r without the value of its server time: before it and
// behind it. They are what two copies of one entry have in common, which came to
// the receiver one after the other.
func (r *Record) Sent() (before, after []byte) {
	d := decoder{b: r.Raw}
	for k := range d.object {
		if string(k) != "logtail" {
			d.skip()
			continue
		}
		for k := range d.object {
			from := d.valueStart()
			if d.skip(); string(k) == "server_time" {
				return r.Raw[:from], r.Raw[d.i:]
			}
		}
	}
	return r.Raw, nil
}

// Error is a place in the input that cannot be read as a record. The reader has
// skipped it and can go on.
type Error struct {
	Pos Pos
	Err error
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%v: %v", e.Pos, e.Err) }

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }
