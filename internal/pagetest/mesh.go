// Package pagetest tests the page of netlog serve in a browser. It is a module of its own, outside the
// workspace, so that nobody else needs the driver of the browser.
package pagetest

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// window is the length of a record.
const window = 5 * time.Second

// mesh makes the records of a made-up VPN. Equal times give equal traffic.
type mesh struct {
	names []string
	ids   []logtail.PrivateID
	seqs  []uint64
}

// The nodes of newMesh, by their names.
const (
	web = iota
	web2
	db
	mail
	backup
	anna
	ben
	phone
	router
	ci
	grafana
)

func newMesh() *mesh {
	return newMeshOf("web-1", "web-2", "db", "mail", "backup", "laptop-anna", "laptop-ben", "phone-anna", "router-berlin", "ci-runner", "grafana")
}

func newMeshOf(names ...string) *mesh {
	m := &mesh{names: names, seqs: make([]uint64, len(names))}
	for range names {
		m.ids = append(m.ids, logtail.NewPrivateID())
	}
	return m
}

func addr(node int) netip.Addr {
	return netip.AddrFrom4([4]byte{100, 64, byte(node >> 8), byte(node + 1)})
}

// link is a flow between two nodes in one window, from the side that began it. A negative node is a host behind the router.
type link struct {
	class        string
	proto        flowtrack.Proto
	from, to     int
	sport, dport uint16
	tx, rx       float64 // bytes
	txF, rxF     tunstats.TCPFlags
}

// links returns the traffic of the window that ends at a time.
func (m *mesh) links(end time.Time) (list []link) {
	n := end.Unix() / 5
	random := rand.New(rand.NewPCG(uint64(n), 1))
	wave := func(period float64) float64 { return 1 + math.Sin(float64(n)*5*2*math.Pi/period) }
	some := func(mean float64) float64 { return mean * (0.6 + 0.8*random.Float64()) }
	tcp := func(from, to int, sport, dport uint16, tx, rx float64) {
		list = append(list, link{class: "virtual", proto: flowtrack.TCP, from: from, to: to, sport: sport, dport: dport, tx: tx, rx: rx})
	}
	for i, user := range []int{anna, ben, phone} {
		for j, server := range []int{web, web2} {
			tcp(user, server, uint16(40000+100*i+j), 443, some(20e3), some(900e3*wave(1300+200*float64(i))))
		}
	}
	for i, server := range []int{web, web2} {
		tcp(server, db, uint16(51000+i), 5432, some(60e3), some(1.1e6*wave(1700)))
		tcp(grafana, server, uint16(45000+i), 9100, some(4e3), some(60e3))
	}
	tcp(ben, db, 52100, 5432, some(3e3), some(40e3))
	tcp(grafana, db, 45010, 9187, some(4e3), some(90e3))
	if n%360 < 110 {
		tcp(db, backup, 44100, 873, some(9e6), some(90e3))
	}
	if n%240 > 200 {
		tcp(ci, web, 48022, 22, some(2e6), some(30e3))
		tcp(ci, web2, 48023, 22, some(1.5e6), some(20e3))
	}
	list = append(list,
		link{class: "virtual", proto: flowtrack.ICMPv4, from: grafana, to: router, tx: 420, rx: 420},
		link{class: "subnet", proto: flowtrack.TCP, from: anna, to: -20, sport: 53001, dport: 445, tx: some(40e3), rx: some(1.4e6 * wave(900))},
		link{class: "subnet", proto: flowtrack.UDP, from: phone, to: -1, sport: 53053, dport: 53, tx: some(400), rx: some(900)},
		link{class: "exit", from: anna, tx: some(120e3), rx: some(1.3e6 * wave(2100))},
		link{class: "exit", from: phone, tx: some(60e3), rx: some(700e3 * wave(800))},
		link{class: "physical", from: anna, to: web, tx: some(3.1e6), rx: some(400e3)},
		link{class: "physical", from: ben, to: web, tx: some(2.6e6), rx: some(300e3)},
	)
	if n%12 == 0 {
		list = append(list, link{class: "virtual", proto: flowtrack.TCP, from: web, to: mail, sport: uint16(30000 + n%999), dport: 25, tx: 180, txF: tunstats.SYN})
	}
	if n%30 == 0 {
		list = append(list, link{class: "virtual", proto: flowtrack.TCP, from: ci, to: grafana, sport: uint16(31000 + n%999), dport: 3001,
			tx: 60, rx: 40, txF: tunstats.SYN, rxF: tunstats.RST | tunstats.ACK})
	}
	if n%7 < 3 {
		list = append(list, link{class: "denied", proto: flowtrack.TCP, from: phone, to: db, sport: 40777, dport: 5432, tx: some(240), txF: tunstats.SYN})
	}
	return list
}

// side returns the address of a node or of a host behind the router.
func side(node int, port uint16) netip.AddrPort {
	if node < 0 {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 168, 7, byte(-node)}), port)
	}
	return netip.AddrPortFrom(addr(node), port)
}

// counts returns the flow of l, from the side that began it.
func (l *link) counts() record.ConnectionCounts {
	c := record.ConnectionCounts{Tuple: flowtrack.Tuple{Proto: l.proto, Src: side(l.from, l.sport), Dst: side(l.to, l.dport)}}
	c.TxBytes, c.RxBytes, c.TxFlags, c.RxFlags = uint64(l.tx), uint64(l.rx), l.txF, l.rxF
	c.TxPackets, c.RxPackets = uint64(l.tx/1100)+1, uint64(l.rx/1100)+1
	if l.txF == tunstats.SYN {
		c.TxPackets = uint64(l.tx / 60) // without data
	}
	if l.rx == 0 {
		c.RxPackets = 0
	}
	switch l.class {
	case "exit":
		c.Tuple = flowtrack.Tuple{}
	case "physical":
		c.Tuple = flowtrack.Tuple{Src: side(l.to, 0), Dst: netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(l.to)}), 41641)}
	}
	return c
}

// messages returns the record of each node for the window that ends at a time, or nil for a node without traffic.
func (m *mesh) messages(end time.Time, links []link) []*record.Message {
	list := make([]*record.Message, len(m.names))
	of := func(node int) *record.Message {
		if list[node] == nil {
			list[node] = &record.Message{NodeID: m.names[node], Start: end.Add(-window).UTC(), End: end.UTC()}
		}
		return list[node]
	}
	for i := range links {
		l, c := &links[i], links[i].counts()
		switch l.class {
		case "virtual":
			of(l.from).VirtualTraffic = append(of(l.from).VirtualTraffic, c)
			of(l.to).VirtualTraffic = append(of(l.to).VirtualTraffic, c.Reverse())
		case "subnet":
			of(l.from).SubnetTraffic = append(of(l.from).SubnetTraffic, c)
			if router < len(m.names) {
				of(router).SubnetTraffic = append(of(router).SubnetTraffic, c.Reverse())
			}
		case "exit":
			of(l.from).ExitTraffic = append(of(l.from).ExitTraffic, c)
		case "physical":
			of(l.from).PhysicalTraffic = append(of(l.from).PhysicalTraffic, c)
		case "denied":
			of(l.to).DeniedTraffic = append(of(l.to).DeniedTraffic, c.Reverse())
		}
	}
	return list
}

// entry returns an entry of a node, as it is sent or, if at is not zero, stored at that time.
func (m *mesh) entry(node int, message *record.Message, at time.Time) []byte {
	m.seqs[node]++
	e := record.Entry{Message: *message, Logtail: record.Meta{ClientTime: message.End, ProcID: uint32(node + 1), ProcSeq: m.seqs[node]}}
	if !at.IsZero() {
		e.Logtail.ID, e.Logtail.ServerTime = m.ids[node].Public().String(), at.UTC()
	}
	b, err := json.Marshal(&e)
	if err != nil {
		panic(err)
	}
	return b
}

// write writes the records of the time from start to end as a receiver would have stored them.
func (m *mesh) write(dir string, start, end time.Time) error {
	var b strings.Builder
	for at := start.Truncate(window); !at.After(end); at = at.Add(window) {
		for node, message := range m.messages(at, m.links(at)) {
			if message != nil {
				b.Write(m.entry(node, message, at.Add(300*time.Millisecond)))
				b.WriteByte('\n')
			}
		}
	}
	dir = filepath.Join(dir, "netlog")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, end.UTC().Format(time.DateOnly)+".0001.ndjson"), []byte(b.String()), 0o600)
}

// writeNames writes the file of the flag -nodes.
func (m *mesh) writeNames(path string) error {
	var b strings.Builder
	for i, name := range m.names {
		fmt.Fprintf(&b, "%s %s\n", m.ids[i].Public(), name)
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}
