package records

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/record"
)

// decoder reads one record. It is written by hand because encoding/json needs
// microseconds for a flow, and files have millions of them. It takes what the
// scanner has found to be well formed, and checks only what it reads: on other
// bytes it returns an error or a record, and never reads past the end.
type decoder struct {
	b   []byte
	i   int
	key int   // where the last key began
	n   int   // elements so far, of all arrays that are read
	err error // the first one
}

// maxElements bounds the memory of a record: an element of three bytes takes a
// hundred, so that a few kilobytes of zstd could be gigabytes. The largest records
// of this library have about 6,000.
const maxElements = 100_000

var (
	errSyntax   = errors.New("records: not the JSON of a record")
	errElements = fmt.Errorf("records: more than %d elements in a record", maxElements)
)

// UnmarshalJSON decodes one record. It exists so that an UnmarshalJSON of the
// embedded message does not take its place.
func (r *Record) UnmarshalJSON(data []byte) error {
	var d decoder
	return d.record(r, data)
}

// record decodes raw into r, and reuses the memory of r.
func (d *decoder) record(r *Record, raw []byte) error {
	m := &r.Message
	*r = Record{
		Message: record.Message{
			DstNodes:        m.DstNodes[:0],
			VirtualTraffic:  m.VirtualTraffic[:0],
			SubnetTraffic:   m.SubnetTraffic[:0],
			ExitTraffic:     m.ExitTraffic[:0],
			PhysicalTraffic: m.PhysicalTraffic[:0],
		},
		Raw: raw, Pos: r.Pos,
	}
	*d = decoder{b: raw}
	for k := range d.object {
		switch string(k) {
		case "nodeId":
			m.NodeID = d.text()
		case "start":
			m.Start = d.time()
		case "end":
			m.End = d.time()
		case "srcNode":
			m.SrcNode = d.node()
		case "dstNodes":
			for range d.array {
				m.DstNodes = append(m.DstNodes, d.node())
			}
		case "virtualTraffic":
			m.VirtualTraffic = d.traffic(m.VirtualTraffic)
		case "subnetTraffic":
			m.SubnetTraffic = d.traffic(m.SubnetTraffic)
		case "exitTraffic":
			m.ExitTraffic = d.traffic(m.ExitTraffic)
		case "physicalTraffic":
			m.PhysicalTraffic = d.traffic(m.PhysicalTraffic)
		case "logtail":
			d.meta(&r.Logtail)
		case "text":
			r.Text = d.text()
		case "droppedEntries":
			r.DroppedEntries = d.uint(64)
		case "droppedBytes":
			r.DroppedBytes = d.uint(64)
		default:
			d.skip()
		}
	}
	return d.err
}

func (d *decoder) meta(m *Meta) {
	for k := range d.object {
		switch string(k) {
		case "id":
			m.ID = d.text()
		case "client_time":
			m.ClientTime = d.time()
		case "server_time":
			m.ServerTime = d.time()
		case "proc_id":
			m.ProcID = uint32(d.uint(32))
		case "proc_seq":
			m.ProcSeq = d.uint(64)
		case "conflict":
			m.Conflict = d.word() == "true"
		default:
			d.skip()
		}
	}
}

func (d *decoder) node() (n record.Node) {
	for k := range d.object {
		switch string(k) {
		case "nodeId":
			n.NodeID = d.text()
		case "name":
			n.Name = d.text()
		case "addresses":
			for range d.array {
				if a := d.addr(); d.err == nil {
					n.Addresses = append(n.Addresses, a)
				}
			}
		case "os":
			n.OS = d.text()
		case "user":
			n.User = d.text()
		case "tags":
			for range d.array {
				n.Tags = append(n.Tags, d.text())
			}
		default:
			d.skip()
		}
	}
	return n
}

func (d *decoder) traffic(cs []record.ConnectionCounts) []record.ConnectionCounts {
	for range d.array {
		var c record.ConnectionCounts
		for k := range d.object {
			switch string(k) {
			case "proto":
				c.Proto = flowtrack.Proto(d.uint(8))
			case "src":
				c.Src = d.addrPort()
			case "dst":
				c.Dst = d.addrPort()
			case "txPkts":
				c.TxPackets = d.uint(64)
			case "txBytes":
				c.TxBytes = d.uint(64)
			case "rxPkts":
				c.RxPackets = d.uint(64)
			case "rxBytes":
				c.RxBytes = d.uint(64)
			default:
				d.skip()
			}
		}
		cs = append(cs, c)
	}
	return cs
}

// addrPort reads a side of a flow. Other writers leave an unknown side empty.
func (d *decoder) addrPort() (ap netip.AddrPort) {
	s := d.view()
	if s == "" || d.err != nil {
		return ap
	}
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		d.wrong("an address and port", s, err)
	}
	return netip.AddrPortFrom(ap.Addr().WithZone(""), ap.Port())
}

// addr reads an address without its zone: that is any text a node likes, which would
// go wherever addresses are printed, and means nothing on another machine.
func (d *decoder) addr() netip.Addr {
	s := d.view()
	a, err := netip.ParseAddr(s)
	if err != nil {
		d.wrong("an address", s, err)
	}
	return a.WithZone("")
}

func (d *decoder) time() (t time.Time) {
	s := d.view()
	if s == "" || d.err != nil {
		return t
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		d.wrong("a time", s, err)
	}
	return t
}
