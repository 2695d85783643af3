package otel

import (
	"cmp"
	"iter"
	"math"
	"net/netip"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// scope is the name of the instrumentation scope of all log records.
const scope = "github.com/go-netlog/netlog/otel"

// The names of events.
const (
	eventFlow = "netlog.flow"         // a flow in a window
	eventLost = "netlog.lost_packets" // packets that are in no flow of the window
	eventPeer = "netlog.peer"         // a peer of WireGuard has connected, moved or disconnected
	eventText = "netlog.text"         // another entry of the uploader
)

// event holds what a log record says, for both ways of sending it.
type event struct {
	name     string
	start    time.Time // the timestamp
	end      time.Time // the observed timestamp
	severity log.Severity
	body     string // for people
	attrs    []attribute.KeyValue
}

// add adds an attribute with a name from the semantic conventions.
func (e *event) add(kv attribute.KeyValue) { e.attrs = append(e.attrs, kv) }

// text adds an attribute that is left out if it is empty.
func (e *event) text(key, value string) {
	if value != "" {
		e.add(attribute.String(key, strings.ToValidUTF8(value, "\ufffd")))
	}
}

// count adds a number. OpenTelemetry has no larger integers than int64.
func (e *event) count(key string, n uint64) {
	e.add(attribute.Int64(key, int64(min(n, math.MaxInt64))))
}

// events returns an event for each flow of m, in the order in which "netlog fmt -flat" numbers them, and after
// that one for packets that were lost, as far as they are asked for. Each is valid until the next.
func events(m *record.Message, flows, lost bool) iter.Seq[*event] {
	return func(yield func(*event) bool) {
		e := event{start: m.Start, end: m.End}
		names := namesOf(m)
		for _, class := range flowtable.Classes() {
			if !flows {
				break
			}
			for _, f := range class.Traffic(m) {
				e.begin(eventFlow, log.SeverityInfo, m)
				e.flow(class, f, names)
				if !yield(&e) {
					return
				}
			}
		}
		if lost && m.LostPackets > 0 {
			e.begin(eventLost, log.SeverityWarn, m)
			e.count("netlog.lost.packets", m.LostPackets)
			e.body = flowtable.Plural(m.LostPackets, "packet") + " not counted: the node could not read them in time"
			yield(&e)
		}
	}
}

// begin sets the name and severity, and replaces the attributes by those of the node that sends m.
func (e *event) begin(name string, severity log.Severity, m *record.Message) {
	e.name, e.severity, e.attrs = name, severity, e.attrs[:0]
	e.text("netlog.node.id", cmp.Or(m.NodeID, m.SrcNode.NodeID))
	e.text("netlog.node.name", m.SrcNode.Name)
}

// peer sets the attributes and the body of an event of a peer.
func (e *event) peer(p *record.Peer) {
	e.text("netlog.peer.state", string(p.State))
	e.text("netlog.peer.public_key", p.PublicKey)
	e.text("netlog.peer.name", p.Name)
	if p.Address.IsValid() {
		e.text("netlog.peer.address", p.Address.String())
	}
	if p.Endpoint.IsValid() {
		e.text("netlog.peer.endpoint.address", p.Endpoint.Addr().Unmap().WithZone("").String())
		e.count("netlog.peer.endpoint.port", uint64(p.Endpoint.Port()))
	}
	if !p.LastHandshake.IsZero() {
		e.text("netlog.peer.last_handshake", p.LastHandshake.UTC().Format(time.RFC3339Nano))
	}
	e.body = flowtable.PeerText(p)
}

// flow adds the attributes of one flow, and sets the body.
func (e *event) flow(class flowtable.Class, f record.ConnectionCounts, names names) {
	e.text("netlog.class", class.String())
	conn := record.ConnOf(f.Counts)
	shown, both := f, f.Src.IsValid() && f.Dst.IsValid() && f.Src != f.Dst
	if class != flowtable.Physical {
		shown = conn.Orient(f)
		if both {
			e.text("netlog.local_side", side(shown.Src == f.Src))
		}
		if both && conn.Initiator() != record.SideUnknown {
			e.text("netlog.initiator_side", side(true)) // that is what Orient is for
		}
	}
	e.address(semconv.SourceAddressKey, semconv.SourcePortKey, shown.Src)
	e.address(semconv.DestinationAddressKey, semconv.DestinationPortKey, shown.Dst)
	e.protocol(shown.Tuple)
	e.node("netlog.source.node", names[shown.Src.Addr()])
	e.node("netlog.destination.node", names[shown.Dst.Addr()])
	e.text("netlog.state", state(class, conn, f.Proto))
	e.count("netlog.tx.packets", shown.TxPackets)
	e.count("netlog.tx.bytes", shown.TxBytes)
	e.flags("netlog.tx.tcp_flags", shown.TxFlags)
	e.count("netlog.rx.packets", shown.RxPackets)
	e.count("netlog.rx.bytes", shown.RxBytes)
	e.flags("netlog.rx.tcp_flags", shown.RxFlags)
	e.body = class.String() + " " + shown.String()
	for _, hidden := range []string{" unknown", " ? -> ?"} {
		e.body = strings.Replace(e.body, hidden, "", 1)
	}
}

// side returns the name of a side as the attributes spell it.
func side(source bool) string {
	if source {
		return "source"
	}
	return "destination"
}

// address adds one side of a flow. A hidden address and port 0, which stands for no port, are left out.
func (e *event) address(addr, port attribute.Key, side netip.AddrPort) {
	if side.Addr().IsValid() {
		e.add(addr.String(side.Addr().Unmap().WithZone("").String()))
	}
	if side.Port() != 0 {
		e.add(port.Int(int(side.Port())))
	}
}

// protocol adds the protocols of the network and the transport layer. The outer addresses of physical
// traffic, whose family counts, are the destination.
func (e *event) protocol(t flowtrack.Tuple) {
	addr := t.Dst.Addr()
	if !addr.IsValid() {
		addr = t.Src.Addr()
	}
	switch addr = addr.Unmap(); {
	case addr.Is4():
		e.add(semconv.NetworkTypeIPv4)
	case addr.Is6():
		e.add(semconv.NetworkTypeIPv6)
	}
	switch t.Proto {
	case flowtrack.Unknown:
		return
	case flowtrack.TCP:
		e.add(semconv.NetworkTransportTCP)
	case flowtrack.UDP:
		e.add(semconv.NetworkTransportUDP)
	case flowtrack.UDPLite, flowtrack.SCTP, flowtrack.DCCP:
		e.add(semconv.NetworkTransportKey.String(strings.ToLower(t.Proto.String())))
	}
	e.count("netlog.protocol", uint64(t.Proto))
}

// state returns the state of a flow, or "" if it is unknown. It is that of "netlog fmt -flat".
func state(class flowtable.Class, conn record.Conn, proto flowtrack.Proto) string {
	s := conn.State()
	switch {
	case class == flowtable.Denied:
		return "denied"
	case s == record.StateUnknown || proto != flowtrack.TCP:
		return ""
	}
	return s.String()
}

func (e *event) flags(key string, f tunstats.TCPFlags) {
	if f != 0 {
		e.text(key, f.String())
	}
}

// node adds the names of a node, which may be nil.
func (e *event) node(prefix string, n *record.Node) {
	if n != nil {
		e.text(prefix+".id", n.NodeID)
		e.text(prefix+".name", n.Name)
	}
}

// names has the nodes of a record by their addresses.
type names map[netip.Addr]*record.Node

func namesOf(m *record.Message) names {
	byAddr := make(names)
	for _, a := range m.SrcNode.Addresses {
		byAddr[a] = &m.SrcNode
	}
	for i := range m.DstNodes {
		for _, a := range m.DstNodes[i].Addresses {
			byAddr[a] = &m.DstNodes[i]
		}
	}
	return byAddr
}
