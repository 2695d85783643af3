package meshtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/logtail"
)

// All are the meshes of the golden tests. Some of them change the records after the run.
var All = []struct {
	Name  string
	Clean bool // verify must find nothing
	Build func() *Mesh
}{
	{"direct", true, func() *Mesh { return Finished(TwoNodes()) }},
	{"hub-and-spoke", true, func() *Mesh { return Finished(HubAndSpoke()) }},
	{"subnet-router", true, func() *Mesh { return Finished(SubnetRouter(false)) }},
	{"subnet-router-snat", true, func() *Mesh { return Finished(SubnetRouter(true)) }},
	{"hub-snat", true, func() *Mesh {
		m := HubAndSpoke()
		m.Flows[0].snat = true
		return Finished(m)
	}},
	{"loss", true, func() *Mesh {
		m := HubAndSpoke()
		for _, f := range m.Flows {
			f.Loss = 0.01
		}
		return Finished(m)
	}},
	{"heavy-loss", false, func() *Mesh {
		m := TwoNodes()
		m.Flows[0].Loss = 0.2
		return Finished(m)
	}},
	{"clock-skew", true, func() *Mesh {
		m := HubAndSpoke()
		m.Node("spoke1").skew = 7 * time.Minute
		m.Node("spoke2").skew = -3 * time.Minute
		return Finished(m)
	}},
	{"restart", true, func() *Mesh {
		m := TwoNodes()
		m.Run(22 * time.Second)
		b := m.Node("b")
		b.stop(m.Now)
		m.Run(3 * time.Second)
		b.Start(m.Now)
		return Finished(m)
	}},
	{"new-id", true, func() *Mesh { return newID() }},
	{"new-id-changed-count", false, func() *Mesh {
		m := newID()
		b := m.Node("b")
		b.Lines[1] = ChangeCount(b.Lines[1], 0, "rxPkts", 500) // more than A sent while B was away
		return m
	}},
	{"late-start", true, func() *Mesh {
		m := TwoNodes()
		m.Node("b").Phase = 23 * time.Second
		return Finished(m)
	}},
	{"removed-line", false, func() *Mesh {
		m := Finished(TwoNodes())
		b := m.Node("b")
		b.Lines = slices.Delete(b.Lines, 3, 4)
		return m
	}},
	{"changed-count", false, func() *Mesh {
		m := Finished(TwoNodes())
		b := m.Node("b")
		b.Lines[3] = ChangeCount(b.Lines[3], 0, "rxPkts", 1)
		return m
	}},
	{"forged-node-id", false, func() *Mesh {
		m := HubAndSpoke()
		m.Node("spoke2").nodeID = "spoke1"
		return Finished(m)
	}},
	{"replayed-number", false, func() *Mesh {
		m := Finished(TwoNodes())
		b := m.Node("b")
		b.Lines = append(b.Lines, b.Lines[2], ChangeCount(b.Lines[3], 0, "txPkts", 1))
		return m
	}},
	{"missing-file", true, func() *Mesh {
		m := Finished(HubAndSpoke())
		m.Node("spoke2").Lines = nil
		return m
	}},
	{"torn-line", false, func() *Mesh {
		m := Finished(TwoNodes())
		b := m.Node("b")
		b.Lines[2] = b.Lines[2][:200]
		return m
	}},
	{"missing-flow", false, func() *Mesh {
		m := TwoNodes()
		m.Flow(":40001", ":22", "a", "b")
		m.Flow(":40002", ":25", "a", "b")
		Finished(m)
		b := m.Node("b")
		for i, l := range b.Lines {
			b.Lines[i] = RemoveFlow(l, "100.64.0.1:40001")
		}
		return m
	}},
}

// newID returns a mesh whose node b restarts with another private ID.
func newID() *Mesh {
	m := TwoNodes()
	m.Run(22 * time.Second)
	b := m.Node("b")
	b.stop(m.Now)
	old := b.Lines
	b.ID, b.Lines = logtail.PrivateID{0: 77}.Public().String(), nil
	m.Run(time.Second)
	b.Start(m.Now)
	Finished(m)
	b.Lines = append(old, b.Lines...)
	return m
}

// TwoNodes returns a mesh of two nodes with direct flows.
func TwoNodes() *Mesh {
	m := New("a", "b")
	m.Flow(":40000", ":443", "a", "b")
	m.Flow(":40001", ":53", "a", "b").Proto = flowtrack.UDP
	return m
}

// HubAndSpoke returns a mesh of three nodes with flows through a hub.
func HubAndSpoke() *Mesh {
	m := New("hub", "spoke1", "spoke2", "spoke3")
	m.Flow(":40000", ":443", "spoke1", "hub", "spoke2")
	m.Flow(":40001", ":443", "spoke3", "hub", "spoke2")
	m.Flow(":40002", ":22", "spoke1", "hub")
	m.Flow(":40003", ":22", "hub", "spoke3").to = 30 * time.Second
	return m
}

// SubnetRouter returns a mesh with a subnet router, with or without source NAT.
func SubnetRouter(snat bool) *Mesh {
	m := New("router", "client", "client2")
	m.Flow(":40000", "192.168.1.10:80", "client", "router")
	m.Flow(":40000", "192.168.1.11:80", "client2", "router")
	if snat {
		m.Flow(":61000", ":8080", "router", "client")
	} else {
		m.Flow("192.168.1.10:5000", ":8080", "router", "client")
	}
	return m
}

// Finished runs m until a minute after Start, finishes it and returns it.
func Finished(m *Mesh) *Mesh {
	m.Run(time.Minute - m.Now.Sub(Start))
	m.Finish()
	return m
}

// Edit decodes the record in line, calls change and returns the encoded result.
func Edit(line string, change func(rec map[string]any)) string {
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	var rec map[string]any
	if err := d.Decode(&rec); err != nil {
		panic(err)
	}
	change(rec)
	b, err := json.Marshal(rec)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// ChangeCount adds n to a count of the i-th flow of the record in line. The subnet flows come after the
// virtual ones.
func ChangeCount(line string, i int, name string, n int64) string {
	return Edit(line, func(rec map[string]any) {
		for _, list := range []string{"virtualTraffic", "subnetTraffic"} {
			flows, _ := rec[list].([]any)
			if i < len(flows) {
				f := flows[i].(map[string]any)
				var old int64
				if v, ok := f[name]; ok {
					old, _ = v.(json.Number).Int64()
				}
				f[name] = old + n
				return
			}
			i -= len(flows)
		}
		panic("no such flow")
	})
}

// RemoveFlow removes the virtual flows to dst from the record in line.
func RemoveFlow(line, dst string) string {
	return Edit(line, func(rec map[string]any) {
		rec["virtualTraffic"] = slices.DeleteFunc(rec["virtualTraffic"].([]any), func(f any) bool {
			return f.(map[string]any)["dst"] == dst
		})
	})
}

// Meta returns the logtail member of rec.
func Meta(rec map[string]any) map[string]any { return rec["logtail"].(map[string]any) }

// EachLine returns a function that edits all records of a node with change.
func EachLine(change func(i int, rec map[string]any)) func(*Node) {
	return func(n *Node) {
		for i, l := range n.Lines {
			n.Lines[i] = Edit(l, func(rec map[string]any) { change(i, rec) })
		}
	}
}

// SetCount sets a count of the first virtual flow of the record in line.
func SetCount(line, name string, n uint64) string {
	return Edit(line, func(rec map[string]any) {
		rec["virtualTraffic"].([]any)[0].(map[string]any)[name] = json.Number(fmt.Sprint(n))
	})
}
