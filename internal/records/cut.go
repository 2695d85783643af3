package records

import (
	"bytes"
	"encoding/json"

	"github.com/go-netlog/netlog/internal/rawjson"
	"github.com/go-netlog/netlog/record"
)

// Cut returns the bytes of r without the flows and nodes that the functions report. member
// is the JSON name of the list of a flow and i its index there. All other bytes stay as
// they are. If nothing is removed, Cut returns r.Raw.
func (r *Record) Cut(flow func(member string, i int) bool, node func(*record.Node) bool) []byte {
	c := cutter{flow: flow, node: node, seen: make(map[string]int)}
	var out [][]byte
	for _, m := range members(r.Raw) {
		value := r.Raw[m.Value:m.End]
		kept := c.value(string(m.Name), value)
		switch {
		case kept == nil:
			c.cut = true
		case len(kept) == len(value):
			out = append(out, r.Raw[m.Start:m.End])
		default:
			c.cut = true
			out = append(out, append(bytes.Clone(r.Raw[m.Start:m.Value]), kept...))
		}
	}
	if !c.cut {
		return r.Raw
	}
	return append(append([]byte("{"), bytes.Join(out, []byte(","))...), '}')
}

type cutter struct {
	flow func(member string, i int) bool
	node func(*record.Node) bool
	seen map[string]int // number of elements of each list so far
	cut  bool
}

// value returns what remains of the value of a member, or nil if nothing does.
func (c *cutter) value(name string, value []byte) []byte {
	switch name {
	case "virtualTraffic", "subnetTraffic", "exitTraffic", "physicalTraffic":
		return filter(value, func([]byte) bool {
			c.seen[name]++
			return c.flow(name, c.seen[name]-1)
		})
	case "dstNodes":
		return filter(value, c.dropNode)
	case "srcNode":
		if c.dropNode(value) {
			return nil
		}
	}
	return value
}

func (c *cutter) dropNode(value []byte) bool {
	var n record.Node
	return json.Unmarshal(value, &n) == nil && c.node(&n)
}

// filter returns the JSON array without the elements that drop reports, or nil if no element
// remains.
func filter(array []byte, drop func(element []byte) bool) []byte {
	s := rawjson.Scanner{Text: array}
	var kept [][]byte
	dropped := false
	if !s.Take('[') {
		return array
	}
	for s.Space(); !s.Take(']'); s.Space() {
		s.Take(',')
		s.Space()
		from := s.Pos
		if s.Value(1) != nil {
			return array
		}
		if drop(array[from:s.Pos]) {
			dropped = true
		} else {
			kept = append(kept, array[from:s.Pos])
		}
	}
	switch {
	case !dropped:
		return array
	case len(kept) == 0:
		return nil
	}
	return append(append([]byte("["), bytes.Join(kept, []byte(","))...), ']')
}
