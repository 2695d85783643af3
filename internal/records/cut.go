package records

import (
	"bytes"

	"github.com/go-netlog/netlog/record"
)

// Cut returns the bytes of r without the flows and nodes that the functions
// report. member is the JSON name of the flow's list and i its place there. All
// other bytes stay as they are. Where nothing goes, that is r.Raw itself.
func (r *Record) Cut(flow func(member string, i int) bool, node func(*record.Node) bool) []byte {
	c := cutter{d: decoder{b: r.Raw}, flow: flow, node: node, seen: make(map[string]int)}
	var out [][]byte
	for k := range c.d.object {
		start := c.d.key
		value := c.d.valueStart()
		cut := c.value(string(k))
		end := c.d.i
		switch {
		case cut == nil:
			c.cut = true
		case len(cut) == end-value: // unchanged
			out = append(out, r.Raw[start:end])
		default:
			c.cut = true
			out = append(out, append(bytes.Clone(r.Raw[start:value]), cut...))
		}
	}
	if !c.cut || c.d.err != nil {
		return r.Raw
	}
	return append(append([]byte("{"), bytes.Join(out, []byte(","))...), '}')
}

type cutter struct {
	d    decoder
	flow func(member string, i int) bool
	node func(*record.Node) bool
	seen map[string]int // elements of each list so far
	cut  bool
}

// value reads the value of a member, and returns what stays of it, nil for nothing.
func (c *cutter) value(name string) []byte {
	start := c.d.i
	switch name {
	case "virtualTraffic", "subnetTraffic", "exitTraffic", "physicalTraffic":
		return c.list(func() bool {
			c.d.skip()
			c.seen[name]++
			return c.flow(name, c.seen[name]-1)
		})
	case "dstNodes":
		return c.list(func() bool {
			n := c.d.node()
			return c.node(&n)
		})
	case "srcNode":
		if n := c.d.node(); c.node(&n) {
			return nil
		}
	default:
		c.d.skip()
	}
	return c.d.b[start:c.d.i]
}

// list reads an array, asks of each element whether it goes, and returns what stays.
func (c *cutter) list(drop func() bool) []byte {
	start := c.d.i
	var kept [][]byte
	dropped := false
	for range c.d.array {
		from := c.d.valueStart()
		if drop() {
			dropped = true
		} else {
			kept = append(kept, c.d.b[from:c.d.i])
		}
	}
	switch {
	case !dropped:
		return c.d.b[start:c.d.i]
	case len(kept) == 0:
		return nil
	}
	return append(append([]byte("["), bytes.Join(kept, []byte(","))...), ']')
}
