package main

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/logtail"
)

// meshes are the made-up VPNs of the golden tests, each with what was done to
// its books afterwards.
var meshes = []struct {
	name  string
	clean bool // verify must find nothing
	build func() *mesh
}{
	{"direct", true, func() *mesh { return finished(twoNodes()) }},
	{"hub-and-spoke", true, func() *mesh { return finished(hubAndSpoke()) }},
	{"subnet-router", true, func() *mesh { return finished(subnetRouter(false)) }},
	{"subnet-router-snat", true, func() *mesh { return finished(subnetRouter(true)) }},
	{"hub-snat", true, func() *mesh {
		m := hubAndSpoke()
		m.flows[0].snat = true
		return finished(m)
	}},
	{"loss", true, func() *mesh {
		m := hubAndSpoke()
		for _, f := range m.flows {
			f.loss = 0.01
		}
		return finished(m)
	}},
	{"heavy-loss", false, func() *mesh {
		m := twoNodes()
		m.flows[0].loss = 0.2
		return finished(m)
	}},
	{"clock-skew", true, func() *mesh {
		m := hubAndSpoke()
		m.node("spoke1").skew = 7 * time.Minute
		m.node("spoke2").skew = -3 * time.Minute
		return finished(m)
	}},
	{"restart", true, func() *mesh {
		m := twoNodes()
		m.run(22 * time.Second)
		b := m.node("b")
		b.stop(m.now)
		m.run(3 * time.Second)
		b.start(m.now)
		return finished(m)
	}},
	{"new-id", true, func() *mesh { return newID() }},
	{"new-id-changed-count", false, func() *mesh {
		m := newID()
		b := m.node("b")
		b.lines[1] = changeCount(b.lines[1], 0, "rxPkts", 500) // more than A sent while B was away
		return m
	}},
	{"late-start", true, func() *mesh {
		m := twoNodes()
		m.node("b").phase = 23 * time.Second
		return finished(m)
	}},
	{"removed-line", false, func() *mesh {
		m := finished(twoNodes())
		b := m.node("b")
		b.lines = slices.Delete(b.lines, 3, 4)
		return m
	}},
	{"changed-count", false, func() *mesh {
		m := finished(twoNodes())
		b := m.node("b")
		b.lines[3] = changeCount(b.lines[3], 0, "rxPkts", 1)
		return m
	}},
	{"forged-node-id", false, func() *mesh {
		m := hubAndSpoke()
		m.node("spoke2").nodeID = "spoke1"
		return finished(m)
	}},
	{"replayed-number", false, func() *mesh {
		m := finished(twoNodes())
		b := m.node("b")
		b.lines = append(b.lines, b.lines[2], changeCount(b.lines[3], 0, "txPkts", 1))
		return m
	}},
	{"missing-file", true, func() *mesh {
		m := finished(hubAndSpoke())
		m.node("spoke2").lines = nil
		return m
	}},
	{"torn-line", false, func() *mesh {
		m := finished(twoNodes())
		b := m.node("b")
		b.lines[2] = b.lines[2][:200]
		return m
	}},
	{"missing-flow", false, func() *mesh {
		m := twoNodes()
		m.flow(":40001", ":22", "a", "b")
		m.flow(":40002", ":25", "a", "b")
		finished(m)
		b := m.node("b")
		for i, l := range b.lines {
			b.lines[i] = removeFlow(l, "100.64.0.1:40001")
		}
		return m
	}},
}

// newID has b restart with another private ID.
func newID() *mesh {
	m := twoNodes()
	m.run(22 * time.Second)
	b := m.node("b")
	b.stop(m.now)
	old := b.lines
	b.id, b.lines = logtail.PrivateID{0: 77}.Public().String(), nil
	m.run(time.Second)
	b.start(m.now)
	finished(m)
	b.lines = append(old, b.lines...)
	return m
}

func twoNodes() *mesh {
	m := newMesh("a", "b")
	m.flow(":40000", ":443", "a", "b")
	m.flow(":40001", ":53", "a", "b").proto = flowtrack.UDP
	return m
}

func hubAndSpoke() *mesh {
	m := newMesh("hub", "spoke1", "spoke2", "spoke3")
	m.flow(":40000", ":443", "spoke1", "hub", "spoke2")
	m.flow(":40001", ":443", "spoke3", "hub", "spoke2")
	m.flow(":40002", ":22", "spoke1", "hub")
	m.flow(":40003", ":22", "hub", "spoke3").to = 30 * time.Second
	return m
}

func subnetRouter(snat bool) *mesh {
	m := newMesh("router", "client", "client2")
	m.flow(":40000", "192.168.1.10:80", "client", "router")
	m.flow(":40000", "192.168.1.11:80", "client2", "router")
	if snat {
		m.flow(":61000", ":8080", "router", "client")
	} else {
		m.flow("192.168.1.10:5000", ":8080", "router", "client")
	}
	return m
}

func finished(m *mesh) *mesh {
	m.run(time.Minute - m.now.Sub(meshStart))
	m.finish()
	return m
}

// edit changes one line of a record by its JSON.
func edit(line string, change func(rec map[string]any)) string {
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

// changeCount adds n to a count of the i-th flow, over all lists.
func changeCount(line string, i int, name string, n int64) string {
	return edit(line, func(rec map[string]any) {
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

// removeFlow takes the flows to dst out of a line.
func removeFlow(line, dst string) string {
	return edit(line, func(rec map[string]any) {
		rec["virtualTraffic"] = slices.DeleteFunc(rec["virtualTraffic"].([]any), func(f any) bool {
			return f.(map[string]any)["dst"] == dst
		})
	})
}
