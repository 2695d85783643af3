package format

import (
	"bufio"
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
)

// peerTable makes sessions of the events of peers. A session is a time during which a node had a peer
// connected at one endpoint.
type peerTable struct {
	sessions []*session
	open     map[peerKey]*session // those that have not ended
}

// peerKey identifies a peer of a node.
type peerKey struct{ reporter, publicKey string }

type session struct {
	record.Peer
	reporter     string
	since, until time.Time // zero if the time is unknown, or has not come
}

// add adds an event. The events of a node come in order.
func (t *peerTable) add(rec *records.Record) {
	p, at := rec.Peer, cmp.Or(rec.Logtail.ClientTime, rec.Logtail.ServerTime)
	k := peerKey{rec.Reporter(), p.PublicKey}
	s := t.open[k]
	if s != nil && p.State != record.PeerDisconnected && p.Endpoint == s.Endpoint { // the node was restarted
		s.LastHandshake = p.LastHandshake
		return
	}
	if s == nil && p.State == record.PeerDisconnected { // it connected before the first record
		s = t.insert(k, p, time.Time{})
	}
	if s != nil {
		s.until = at
		delete(t.open, k)
	}
	if p.State == record.PeerDisconnected {
		s.LastHandshake = p.LastHandshake
		return
	}
	since := at
	if s == nil && !p.LastHandshake.IsZero() {
		since = p.LastHandshake
	}
	if t.open == nil {
		t.open = make(map[peerKey]*session)
	}
	t.open[k] = t.insert(k, p, since)
}

func (t *peerTable) insert(k peerKey, p record.Peer, since time.Time) *session {
	s := &session{Peer: p, reporter: k.reporter, since: since}
	t.sessions = append(t.sessions, s)
	return s
}

// print prints the sessions that ended after since, in the order of their ends, those of connected peers last.
func (t *peerTable) print(w *bufio.Writer, since time.Time, node func(id string) string) error {
	slices.SortStableFunc(t.sessions, func(a, b *session) int {
		if a.until.IsZero() != b.until.IsZero() {
			return b.until.Compare(a.until)
		}
		return cmp.Or(a.until.Compare(b.until), a.since.Compare(b.since))
	})
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "since\tuntil\tnode\tpeer\taddress\tendpoint\tlast handshake")
	connected := 0
	for _, s := range t.sessions {
		if s.until.IsZero() {
			connected++
		} else if s.until.Before(since) {
			continue
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", moment(s.since), s.end(), flowtable.Clean(node(s.reporter)),
			flowtable.Clean(cmp.Or(s.Name, s.PublicKey, "-")), text(s.Address), text(s.Endpoint), moment(s.LastHandshake))
	}
	tab.Flush()
	_, err := fmt.Fprintf(w, "%s connected; times in UTC, by the clocks of the nodes\n", flowtable.Plural(connected, "peer"))
	return err
}

// end returns when s ended.
func (s *session) end() string {
	if s.until.IsZero() {
		return "connected"
	}
	return moment(s.until)
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
