package record

import (
	"errors"
	"fmt"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// decoder decodes one entry. encoding/json needs microseconds per flow, and files have
// millions of flows. The decoder expects valid JSON and checks only the parts that it reads. For
// other bytes it returns an error or an entry, and never reads past the end.
type decoder struct {
	b   []byte
	i   int
	n   int   // elements so far, in all arrays
	err error // the first error
}

// maxElements bounds the memory of an entry: an element of three bytes takes a hundred in
// memory, so a few kilobytes of zstd could become gigabytes. The largest records of this
// library have about 6,000 elements.
const maxElements = 100_000

var (
	errSyntax   = errors.New("record: not the JSON of a record")
	errElements = fmt.Errorf("record: more than %d elements in a record", maxElements)
)

// UnmarshalJSON decodes an entry of at most 100,000 elements, several times faster than
// encoding/json does by reflection. It overwrites e, whose slices it uses again: use Clone to
// keep what the last call has decoded. Unknown members are skipped, and the zones of addresses
// are removed. null means zero for every member, and an empty string for times and for the sides
// of a flow. A whole number may be written as a float.
//
// data should be valid JSON, as it is when encoding/json calls UnmarshalJSON. UnmarshalJSON
// does not detect all invalid JSON. If it returns nil for that, e may contain anything.
func (e *Entry) UnmarshalJSON(data []byte) error {
	m := &e.Message
	*e = Entry{Message: Message{
		DstNodes:        m.DstNodes[:0],
		VirtualTraffic:  m.VirtualTraffic[:0],
		SubnetTraffic:   m.SubnetTraffic[:0],
		ExitTraffic:     m.ExitTraffic[:0],
		PhysicalTraffic: m.PhysicalTraffic[:0],
		DeniedTraffic:   m.DeniedTraffic[:0],
	}}
	d := decoder{b: data}
	for k := range d.object {
		switch string(k) {
		case "logtail":
			d.meta(&e.Logtail)
		case "event": // log shippers add an object of this name
			if d.space() == '"' {
				e.Event = d.text()
			} else {
				d.skip()
			}
		case "peer":
			if d.space() == '{' {
				d.peer(&e.Peer)
			} else {
				d.skip()
			}
		case "text":
			e.Text = d.text()
		case "droppedEntries":
			e.DroppedEntries = d.uint(64)
		case "droppedBytes":
			e.DroppedBytes = d.uint(64)
		default:
			d.message(m, k)
		}
	}
	return d.err
}

// message reads the member k of a Message.
func (d *decoder) message(m *Message, k []byte) {
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
	case "deniedTraffic":
		m.DeniedTraffic = d.traffic(m.DeniedTraffic)
	case "lostPackets":
		m.LostPackets = d.uint(64)
	default:
		d.skip()
	}
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

func (d *decoder) peer(p *Peer) {
	for k := range d.object {
		switch string(k) {
		case "publicKey":
			p.PublicKey = d.text()
		case "name":
			p.Name = d.text()
		case "address":
			p.Address = d.addr()
		case "endpoint":
			p.Endpoint = d.addrPort()
		case "state":
			p.State = PeerState(d.text())
		case "lastHandshake":
			p.LastHandshake = d.time()
		default:
			d.skip()
		}
	}
}

func (d *decoder) node() (n Node) {
	for k := range d.object {
		switch string(k) {
		case "nodeId":
			n.NodeID = d.text()
		case "name":
			n.Name = d.text()
		case "addresses":
			for range d.array {
				if a := d.addr(); a.IsValid() && d.err == nil {
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

func (d *decoder) traffic(cs []ConnectionCounts) []ConnectionCounts {
	for range d.array {
		var c ConnectionCounts
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
			case "txFlags":
				c.TxFlags = tunstats.TCPFlags(d.uint(8))
			case "rxFlags":
				c.RxFlags = tunstats.TCPFlags(d.uint(8))
			default:
				d.skip()
			}
		}
		cs = append(cs, c)
	}
	return cs
}
