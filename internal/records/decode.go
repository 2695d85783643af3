package records

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"
	"unsafe"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
)

// decoder reads one record. It is written by hand because encoding/json needs
// microseconds for a flow, and files have millions of them. It takes what the
// scanner has found to be well formed, and checks only what it reads: on other
// bytes it returns an error or a record, and never reads past the end.
type decoder struct {
	b   []byte
	i   int
	key int   // where the last key began
	err error // the first one
}

var errSyntax = errors.New("records: not the JSON of a record")

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
		Message: netlog.Message{
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
		default:
			d.skip()
		}
	}
}

func (d *decoder) node() (n netlog.Node) {
	for k := range d.object {
		switch string(k) {
		case "nodeId":
			n.NodeID = d.text()
		case "name":
			n.Name = d.text()
		case "addresses":
			for range d.array {
				if a, err := netip.ParseAddr(d.view()); err == nil {
					n.Addresses = append(n.Addresses, a)
				} else if d.err == nil {
					d.err = err
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

func (d *decoder) traffic(cs []netlog.ConnectionCounts) []netlog.ConnectionCounts {
	for range d.array {
		var c netlog.ConnectionCounts
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
		d.err = err
	}
	return ap
}

func (d *decoder) time() (t time.Time) {
	s := d.view()
	if s == "" || d.err != nil {
		return t
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		d.err = err
	}
	return t
}

// uint reads a count. Some shippers print integers as floats; those are taken
// where they are whole.
func (d *decoder) uint(bits int) uint64 {
	w := d.word()
	if w == "null" || d.err != nil {
		return 0
	}
	n, err := strconv.ParseUint(w, 10, bits)
	if err == nil {
		return n
	}
	f, ferr := strconv.ParseFloat(w, 64)
	if ferr != nil || f < 0 || f >= 1<<53 || f != float64(uint64(f)) || bits < 64 && uint64(f)>>bits != 0 {
		d.err = fmt.Errorf("records: not a count of %d bits: %q", bits, w)
		return 0
	}
	return uint64(f)
}

// object calls yield with each key, which must then read or skip the value.
func (d *decoder) object(yield func(key []byte) bool) {
	if !d.begin('{') {
		return
	}
	for d.more('}') {
		d.key = d.i
		k := d.str()
		if d.space() != ':' {
			d.fail()
		}
		d.i++
		if d.err != nil || !yield(k) {
			return
		}
	}
}

// array calls yield before each element, which must then read or skip it.
func (d *decoder) array(yield func() bool) {
	if !d.begin('[') {
		return
	}
	for d.more(']') {
		if !yield() {
			return
		}
	}
}

// begin takes the opening byte of a container, or null.
func (d *decoder) begin(open byte) bool {
	if d.space() == open {
		d.i++
		return d.err == nil
	}
	if d.word() != "null" {
		d.fail()
	}
	return false
}

// more takes a comma or the closing byte, and reports whether a member follows.
func (d *decoder) more(end byte) bool {
	c := d.space()
	if c == ',' {
		d.i++
		c = d.space()
	}
	if c == end {
		d.i++
		return false
	}
	return d.err == nil
}

// space skips white space and returns the byte behind it, 0 at the end.
func (d *decoder) space() byte {
	for ; d.i < len(d.b); d.i++ {
		if c := d.b[d.i]; c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
	}
	d.fail()
	return 0
}

// str reads a string and returns what is between its quotes, unescaped.
func (d *decoder) str() []byte {
	if d.space() != '"' {
		if d.word() != "null" {
			d.fail()
		}
		return nil
	}
	start := d.i
	escaped := false
	for d.i++; d.i < len(d.b); d.i++ {
		switch d.b[d.i] {
		case '\\':
			escaped = true
			d.i++
		case '"':
			d.i++
			if !escaped {
				return d.b[start+1 : d.i-1]
			}
			var s string
			if err := json.Unmarshal(d.b[start:d.i], &s); err != nil {
				d.fail()
			}
			return []byte(s)
		}
	}
	d.fail()
	return nil
}

// text reads a string. view does too, but it is valid only as long as the record's bytes.
func (d *decoder) text() string { return string(d.str()) }

func (d *decoder) view() string {
	b := d.str()
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// word reads a number or a literal.
func (d *decoder) word() string {
	d.space()
	start := d.i
	for d.i < len(d.b) && isWord(d.b[d.i]) {
		d.i++
	}
	if d.i == start {
		d.fail()
		return ""
	}
	b := d.b[start:d.i]
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// skip reads any value.
func (d *decoder) skip() {
	depth := 0
	for d.err == nil {
		switch c := d.space(); c {
		case '{', '[':
			depth++
			d.i++
		case '}', ']':
			depth--
			d.i++
		case ',', ':':
			d.i++
		case '"':
			d.str()
		default:
			d.word()
		}
		if depth <= 0 {
			return
		}
	}
}

func (d *decoder) fail() {
	if d.err == nil {
		d.err = errSyntax
	}
	d.i = len(d.b)
}
