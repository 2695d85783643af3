package netlog

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/encode"
	"github.com/go-netlog/netlog/internal/route"
	"github.com/go-netlog/netlog/internal/window"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// errHung is the result of a session whose goroutine hangs in a Device or callback.
var errHung = errors.New("netlog: the last window was not written: a Device or callback hangs")

// errEnded is the result of a session whose goroutine did not reach its last window.
var errEnded = errors.New("netlog: the last window was not written: a callback ended the polling goroutine, as runtime.Goexit does")

// closeLastWindow stops counting and closes the window.
func (s *session) closeLastWindow() {
	for _, d := range s.enabled {
		if s.abandoned.Load() {
			return
		}
		d.SetStatisticsEnabled(false)
	}
	s.lost = s.closeWindow(true)
}

// closeWindow extracts the counters and writes them under the routes that applied during
// the window.
//
// It takes the next routes before the counters: what is counted in between is still written
// under the old routes. In the opposite order, routes that arrive later could uncover
// packets that were exit traffic when they passed.
//
// If a slow callback or Device delayed the end of the window, an address that is only in
// the old routes may belong to someone else by now. So closeWindow hides the addresses that
// the new routes do not know, and those that routes which arrived during the extraction do
// not know.
//
// It returns the error of a record that the Buffer did not accept.
func (s *session) closeWindow(last bool) error {
	if s.abandoned.Load() {
		return nil
	}
	next := s.next.Swap(nil)
	flows := s.tun.ExtractStatistics()
	now, newer := time.Now(), s.next.Load() // before a slow underlay can delay them
	if s.underlay != nil && !s.abandoned.Load() {
		s.hold(s.underlay.ExtractStatistics())
	}
	if s.abandoned.Load() {
		return nil
	}
	start, end := s.clock.Close(now)
	s.counters.addWindow()
	if s.conns != nil {
		s.counters.addOwn(s.conns.Remove(flows, s.routes.Own()))
	}
	after := s.routes
	if next != nil {
		after = next.Table
	}
	for _, n := range []*newRoutes{next, newer} {
		if n != nil && now.Sub(n.since) > latePeriod {
			s.routes = s.routes.Restrict(n.Table)
		}
	}
	err := s.writeWindow(flows, start, end, last)
	s.routes = after
	return err
}

// maxHeld bounds the number of paths whose traffic is held. Further paths share one entry
// without addresses.
const maxHeld = 16384

// hold adds the counters of the underlay to those that wait for the next record.
func (s *session) hold(flows map[flowtrack.Tuple]tunstats.Counts) {
	if s.held == nil && len(flows) > 0 {
		s.held = make(map[flowtrack.Tuple]tunstats.Counts, min(len(flows), maxHeld))
	}
	for t, c := range flows {
		if _, ok := s.held[t]; !ok && len(s.held) >= maxHeld {
			t = flowtrack.Tuple{}
		}
		s.held[t] = s.held[t].Add(c)
	}
}

// writeWindow sorts flows into classes and writes the records of the window, if any. An
// idle window frees the memory of a busy one.
func (s *session) writeWindow(flows map[flowtrack.Tuple]tunstats.Counts, start, end time.Time, last bool) error {
	ignore := s.ignore
	if ignore != nil {
		ignore = func(t flowtrack.Tuple) bool { return s.abandoned.Load() || s.ignore(t) }
	}
	paths, names := s.shares()
	s.traffic.Collect(flows, s.routes, window.Policy(s.exit), ignore, s.maxWindow-paths-names)
	if s.abandoned.Load() {
		return nil // Collect ignored the rest of the flows
	}
	s.counters.addTraffic(&s.traffic)
	if s.traffic.Empty() && !(last && len(s.held) > 0) {
		return nil
	}
	physical, size := s.takeHeld(s.maxWindow - names - s.traffic.Size)
	w := window.Window{
		NodeID: s.nodeID, Start: start, End: end, Own: s.routes.Own(),
		Virtual: s.traffic.Virtual, Subnet: s.traffic.Subnet, Exit: s.traffic.Exit,
		Physical: physical, MaxNames: s.maxWindow - s.traffic.Size - size,
	}
	var lookup func(netip.Addr) (Node, bool)
	if s.lookupNode != nil {
		lookup = s.lookupKnown
		w.SrcNode = s.self()
	}
	var dropped error
	for m := range w.Records(lookup) {
		if s.abandoned.Load() {
			return nil
		}
		if err := s.write(m); err != nil {
			dropped = fmt.Errorf("netlog: a record of the last window was dropped: %w", err)
		}
	}
	return dropped
}

// shares returns the bytes of maxWindow that are reserved for the flows of the underlay and
// for the names of nodes. Both may also use what the flows of the tunnel leave.
func (s *session) shares() (paths, names int) {
	if len(s.held) > 0 {
		paths = s.maxWindow / 8
	}
	if s.lookupNode != nil {
		names = s.maxWindow / 8
	}
	return paths, names
}

// takeHeld returns the held counters of the underlay, at most maxBytes of JSON, and their
// size. It empties held. Underlay traffic has no classes and is never hidden, so takeHeld
// collects it with an empty table and the policy Full.
func (s *session) takeHeld(maxBytes int) (physical []record.ConnectionCounts, size int) {
	if len(s.held) == 0 {
		return nil, 0
	}
	var outer window.Traffic
	outer.Collect(s.held, newTable(nil), window.Full, nil, maxBytes)
	s.counters.addTraffic(&outer)
	s.held = nil
	return outer.Exit, outer.Size
}

// lookupKnown calls LookupNode for a, unless a is unknown. It removes invalid addresses
// from the Node, and unknown ones unless Exit is ExitFull, because these may be the
// destinations of exit traffic.
func (s *session) lookupKnown(a netip.Addr) (Node, bool) {
	if s.abandoned.Load() || s.unknown(a) {
		return Node{}, false
	}
	n, ok := s.lookupNode(a)
	hidden := s.unknown
	if s.exit == ExitFull {
		hidden = func(a netip.Addr) bool { return !a.IsValid() }
	}
	if slices.ContainsFunc(n.Addresses, hidden) {
		n.Addresses = slices.DeleteFunc(slices.Clone(n.Addresses), hidden)
	}
	return n, ok
}

func (s *session) unknown(a netip.Addr) bool { return s.routes.Lookup(a) == route.Unknown }

// self returns this node: the first one that LookupNode returns for its own addresses.
func (s *session) self() Node {
	for _, a := range s.routes.Own() {
		if n, ok := s.lookupKnown(a); ok {
			if len(n.Addresses) == 0 {
				n.Addresses = []netip.Addr{a}
			}
			return n
		}
	}
	return Node{}
}

// write passes one record to OnRecord and the Buffer. It returns the error of the Buffer.
func (s *session) write(m *Message) error {
	if s.onRecord != nil {
		s.onRecord(m)
	}
	var err error
	if s.upload != nil {
		err = s.upload.WriteObject(func(dst []byte) []byte { return encode.AppendMessage(dst, m) })
	}
	s.counters.addRecord(m, err)
	s.report(err)
	return err
}
