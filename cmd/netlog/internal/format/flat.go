package format

import (
	"encoding/json"
	"net/netip"
	"time"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
)

// flatFlow is a connection in one window, as -flat prints it. docs/schema describes it.
type flatFlow struct {
	Node     string `json:"node"`
	ProcID   uint32 `json:"proc_id"`
	ProcSeq  uint64 `json:"proc_seq"`
	Index    int    `json:"index"` // of the connection in its record
	Conflict bool   `json:"conflict,omitzero"`

	Start time.Time `json:"start,omitzero"`
	End   time.Time `json:"end,omitzero"`

	Class     string          `json:"class"`
	Proto     flowtrack.Proto `json:"proto,omitzero"`
	SrcAddr   netip.Addr      `json:"srcAddr,omitzero"`
	SrcPort   uint16          `json:"srcPort,omitzero"`
	DstAddr   netip.Addr      `json:"dstAddr,omitzero"`
	DstPort   uint16          `json:"dstPort,omitzero"`
	TxPackets uint64          `json:"txPkts,omitzero"`
	TxBytes   uint64          `json:"txBytes,omitzero"`
	RxPackets uint64          `json:"rxPkts,omitzero"`
	RxBytes   uint64          `json:"rxBytes,omitzero"`
	TxFlags   uint8           `json:"txFlags,omitzero"`
	RxFlags   uint8           `json:"rxFlags,omitzero"`
	State     string          `json:"state,omitzero"`
}

// printFlat prints the connections of rec that the filter wants, each as one object on a line.
func (c *formatter) printFlat(rec *records.Record) error {
	f := flatFlow{
		Node: rec.Reporter(), ProcID: rec.Logtail.ProcID, ProcSeq: rec.Logtail.ProcSeq, Conflict: rec.Logtail.Conflict,
		Start: rec.Start, End: rec.End,
	}
	for _, class := range flowtable.Classes() {
		f.Class = class.String()
		for _, cc := range class.Traffic(&rec.Message) {
			if c.filter.wants(class, &cc.Tuple) {
				f.set(class, &cc)
				raw, err := json.Marshal(&f)
				if err != nil {
					c.warn(&records.Error{Pos: rec.Pos, Err: err})
					return nil
				}
				c.line = cli.AppendJSON(c.line[:0], raw)
				if _, err := c.stdout.Write(c.line); err != nil {
					return err
				}
			}
			f.Index++ // also of others, so that a connection always has the same
		}
	}
	return nil
}

// set sets the members that differ between the connections of a record.
func (f *flatFlow) set(class flowtable.Class, cc *record.ConnectionCounts) {
	f.Proto = cc.Proto
	f.SrcAddr, f.SrcPort = cc.Src.Addr(), cc.Src.Port()
	f.DstAddr, f.DstPort = cc.Dst.Addr(), cc.Dst.Port()
	f.TxPackets, f.TxBytes, f.TxFlags = cc.TxPackets, cc.TxBytes, uint8(cc.TxFlags)
	f.RxPackets, f.RxBytes, f.RxFlags = cc.RxPackets, cc.RxBytes, uint8(cc.RxFlags)
	f.State = ""
	if s := record.ConnOf(cc.Counts).State(); class == flowtable.Denied {
		f.State = f.Class
	} else if s != record.StateUnknown && cc.Proto == flowtrack.TCP {
		f.State = s.String()
	}
}
