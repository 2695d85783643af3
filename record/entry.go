package record

import (
	"cmp"
	"time"
)

// Entry is one entry of a stream as a receiver stores it: a Message, an event or a line of text,
// with the metadata of the upload. Decode it with encoding/json, or call UnmarshalJSON directly
// to avoid a second scan.
type Entry struct {
	Message
	Logtail Meta `json:"logtail,omitzero"`

	Event string `json:"event,omitzero"` // EventPeer, or "" if the entry is no event
	Peer  Peer   `json:"peer,omitzero"`

	Text           string `json:"text,omitzero"`           // the text of an entry without a Message
	DroppedEntries uint64 `json:"droppedEntries,omitzero"` // entries that the node had to drop before this one
	DroppedBytes   uint64 `json:"droppedBytes,omitzero"`
}

// Meta is the metadata of an entry. ID, ServerTime and Conflict come from the receiver, the
// rest from the node. Two entries without Conflict that have the same ID, ProcID and ProcSeq are
// one entry that was delivered twice.
type Meta struct {
	ID         string    `json:"id,omitzero"`          // public ID of the node, 64 hexadecimal digits
	ClientTime time.Time `json:"client_time,omitzero"` // when the node wrote the entry, by its clock
	ServerTime time.Time `json:"server_time,omitzero"` // when the entry arrived, by the receiver's clock
	ProcID     uint32    `json:"proc_id,omitzero"`     // a random number of the Logger
	ProcSeq    uint64    `json:"proc_seq,omitzero"`    // the number of the entry among those of its Logger, from 1
	Conflict   bool      `json:"conflict,omitzero"`    // the receiver has another entry with this number
}

// Clone returns a deep copy of e, which the caller owns.
func (e *Entry) Clone() *Entry {
	c := *e
	c.Message = *e.Message.Clone()
	return &c
}

// Reporter returns the identity of the node that sent the entry: the public ID that the
// receiver saw, or else the node ID that the record claims. Entries with equal reporters
// come from one node. The text is not escaped.
func (e *Entry) Reporter() string { return cmp.Or(e.Logtail.ID, e.NodeID, e.SrcNode.NodeID) }

// HasSeq reports whether the entry has a number. Without numbers, duplicate and missing
// entries go unnoticed.
func (e *Entry) HasSeq() bool { return e.Logtail.ProcSeq != 0 || e.Logtail.ProcID != 0 }
