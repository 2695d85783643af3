package format

import (
	"bufio"
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
)

// peerTable converts the events of peers to sessions. A session is a time during which a peer of a node was
// connected at one endpoint.
type peerTable struct {
	max    int // number of events in memory
	events []event
}

// peerKey identifies a peer of a node.
type peerKey struct{ reporter, publicKey string }

// event is an event of a peer.
type event struct {
	peerKey
	record.Peer
	at      time.Time // by the clock of the node
	arrived time.Time // the order of events, whatever the clock of the node and the order of files
}

// session is a time during which a peer was connected.
type session struct {
	record.Peer
	reporter     string
	since, until time.Time // zero if unknown; until is also zero while the peer is connected
}

// Bounds of the texts of an event. A node may send texts of any size.
const (
	maxPeerText    = 256 // bytes in memory
	maxPeerColumns = 64  // shown
)

// add adds an event. It leaves out states that it does not know, which a later version of this library may have.
func (t *peerTable) add(rec *records.Record) error {
	p, m := rec.Peer, &rec.Logtail
	switch p.State {
	case record.PeerConnected, record.PeerMoved, record.PeerDisconnected:
	default:
		return nil
	}
	if len(t.events) >= t.max {
		return fmt.Errorf("more than %d events of peers: give fewer files at once, select a -node, or raise -max-flows", t.max)
	}
	p.PublicKey, p.Name = shortText(p.PublicKey), shortText(p.Name)
	t.events = append(t.events, event{
		peerKey{shortText(rec.Reporter()), p.PublicKey}, p, cmp.Or(m.ClientTime, m.ServerTime), cmp.Or(m.ServerTime, m.ClientTime),
	})
	return nil
}

// shortText returns at most maxPeerText bytes of s, in memory of their own.
func shortText(s string) string { return strings.Clone(s[:min(len(s), maxPeerText)]) }

// sessions returns the sessions that did not end before since, in the order of their ends. Those of connected peers
// are the last.
func (t *peerTable) sessions(since time.Time) []*session {
	slices.SortStableFunc(t.events, func(a, b event) int { return a.arrived.Compare(b.arrived) })
	var all []*session
	open := make(map[peerKey]*session) // those that have not ended
	insert := func(e *event, begin time.Time) *session {
		s := &session{Peer: e.Peer, reporter: e.reporter, since: begin}
		all = append(all, s)
		return s
	}
	for i := range t.events {
		e := &t.events[i]
		s := open[e.peerKey]
		switch {
		case s != nil && e.State != record.PeerDisconnected && e.Endpoint == s.Endpoint: // the node was restarted
			s.LastHandshake = e.LastHandshake
			continue
		case s == nil && e.State == record.PeerDisconnected: // it connected before the first event
			s = insert(e, time.Time{})
		}
		begin := e.at
		if s != nil {
			s.until = e.at
			delete(open, e.peerKey)
		} else if !e.LastHandshake.IsZero() {
			begin = e.LastHandshake
		}
		if e.State == record.PeerDisconnected {
			s.LastHandshake = e.LastHandshake
		} else {
			open[e.peerKey] = insert(e, begin)
		}
	}
	all = slices.DeleteFunc(all, func(s *session) bool { return !s.until.IsZero() && s.until.Before(since) })
	slices.SortStableFunc(all, func(a, b *session) int {
		if a.until.IsZero() != b.until.IsZero() {
			return b.until.Compare(a.until)
		}
		return cmp.Or(a.until.Compare(b.until), a.since.Compare(b.since))
	})
	return all
}

// print prints the sessions that did not end before since. Lines have at most width columns if cutting the names of
// peers and nodes makes that possible. Zero means no limit.
func (t *peerTable) print(w *bufio.Writer, since time.Time, width int, node func(id string) string) error {
	rows := [][]string{{"since", "until", "node", "peer", "address", "endpoint", "last handshake"}}
	connected := 0
	for _, s := range t.sessions(since) {
		until, handshake := moment(s.until), moment(s.LastHandshake)
		if s.until.IsZero() {
			until, handshake = "connected", "-" // later handshakes are no events
			connected++
		}
		rows = append(rows, []string{moment(s.since), until, flowtable.CutColumns(node(s.reporter), maxPeerColumns),
			flowtable.CutColumns(flowtable.Clean(cmp.Or(s.Name, s.PublicKey, "-")), maxPeerColumns), text(s.Address), text(s.Endpoint), handshake})
	}
	if len(rows) == 1 {
		_, err := fmt.Fprintln(w, "no sessions of peers; netlogd writes them, and daemons that call FollowPeers")
		return err
	}
	flowtable.Align(w, rows, width, 3, 2)
	_, err := fmt.Fprintf(w, "%s connected; times in UTC, by the clocks of the nodes\n", flowtable.Plural(connected, "peer"))
	return err
}

// moment returns a time without fractions of a second, or "-" if it is zero.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.DateTime)
}

// text returns an address, or "-" if there is none.
func text[A interface {
	netip.Addr | netip.AddrPort
	IsValid() bool
	String() string
}](a A) string {
	if !a.IsValid() {
		return "-"
	}
	return a.String()
}
