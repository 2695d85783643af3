package netlog

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// errEnded is the result of a session whose goroutine did not get to its last window.
var errEnded = errors.New("netlog: the last window was not taken: a callback has ended the goroutine that polls, as runtime.Goexit does")

func (s *session) closeLastWindow() {
	for _, d := range s.enabled {
		if s.abandoned.Load() {
			return
		}
		d.SetStatisticsEnabled(false)
	}
	s.lost = nil
	s.closeWindow(true)
}

// closeWindow takes what the devices counted since the last one and writes it
// under the routes that were in force all the while.
//
// The next routes are taken before the counters: what is counted between the two
// is still written under the old ones. The other way round, a packet that was exit
// traffic when it passed could be uncovered by routes that came later.
//
// Where the window ends late, because a callback or a Device was slow, what the new
// routes do not know is scrubbed: by then it may be anyone's. So is what newer ones do
// not know that came during the extraction.
func (s *session) closeWindow(last bool) {
	if s.abandoned.Load() {
		return
	}
	next := s.next.Swap(nil)
	flows := s.tun.ExtractStatistics()
	if s.underlay != nil && !s.abandoned.Load() {
		s.hold(s.underlay.ExtractStatistics())
	}
	start, end := s.clock.close(time.Now())
	s.counters.addWindow()
	if s.conns != nil {
		s.counters.addOwn(s.conns.remove(flows, s.routes.own))
	}
	for _, n := range []*newRoutes{next, s.next.Load()} {
		if n != nil && time.Since(n.since) > latePeriod {
			s.routes = s.routes.meet(n.routeTable)
		}
	}
	s.writeWindow(flows, start, end, last)
	if next != nil {
		s.routes = next.routeTable
	}
}

// maxHeld bounds the paths that an idle tunnel keeps apart; a node with this many
// peers is not idle. Past it their traffic is one entry without addresses.
const maxHeld = 16384

// hold keeps the counters of the underlay for the next record, in a map of our
// own: a Device that fills one map again and again would change it under us.
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

// writeWindow sorts flows into classes and writes the records of the window, if
// anything is left to write. An idle window gives back the memory of a busy one.
func (s *session) writeWindow(flows map[flowtrack.Tuple]tunstats.Counts, start, end time.Time, last bool) {
	ignore := s.ignore
	if ignore != nil {
		ignore = func(t flowtrack.Tuple) bool { return s.abandoned.Load() || s.ignore(t) }
	}
	paths, names := s.shares()
	s.traffic.collect(flows, s.routes, s.exit, ignore, s.maxWindow-paths-names)
	s.counters.addTraffic(&s.traffic)
	if s.traffic.empty() && !(last && len(s.held) > 0) {
		return
	}
	physical, size := s.takeHeld(s.maxWindow - names - s.traffic.poolSize)
	w := window{
		nodeID: s.nodeID, start: start, end: end, own: s.routes.own,
		virtual: s.traffic.virtual, subnet: s.traffic.subnet, exit: s.traffic.exit,
		physical: physical, maxNames: s.maxWindow - s.traffic.poolSize - size,
	}
	var lookup func(netip.Addr) (Node, bool)
	if s.lookupNode != nil {
		lookup = s.lookupKnown
		w.srcNode = s.self()
	}
	for m := range w.records(lookup) {
		if s.abandoned.Load() {
			return
		}
		if err := s.write(m); err != nil && last {
			s.lost = fmt.Errorf("netlog: a record of the last window was dropped: %w", err)
		}
	}
}

// shares returns the bytes of maxWindow that the flows of the tunnel must leave to
// those of the underlay and to the names of nodes. Both take what else is left.
func (s *session) shares() (paths, names int) {
	if len(s.held) > 0 {
		paths = s.maxWindow / 8
	}
	if s.lookupNode != nil {
		names = s.maxWindow / 8
	}
	return paths, names
}

// takeHeld returns the counters of the underlay that wait, in about size bytes of
// JSON, at most maxBytes, and holds none. To routes that know no address all of it
// is exit traffic, which is shown whole as far as there is room.
func (s *session) takeHeld(maxBytes int) (physical []ConnectionCounts, size int) {
	if len(s.held) == 0 {
		return nil, 0
	}
	var outer traffic
	outer.collect(s.held, newRouteTable(nil), ExitFull, nil, maxBytes)
	s.counters.addTraffic(&outer)
	s.held = nil
	return outer.exit, outer.poolSize
}

// lookupKnown asks the host for a node, but never about an address of the world
// outside. Nor does one come back: it may be where exit traffic goes. Invalid ones
// are none.
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

func (s *session) unknown(a netip.Addr) bool { return s.routes.lookup(a) == addrUnknown }

// self is the node information of this node: that of the first of its own
// addresses that the host has a name for.
func (s *session) self() Node {
	for _, a := range s.routes.own {
		if n, ok := s.lookupKnown(a); ok {
			return n.withAddress(a)
		}
	}
	return Node{}
}

// write hands one record on. It fails where the Buffer does not take it.
func (s *session) write(m *Message) error {
	if s.onRecord != nil {
		s.onRecord(m)
	}
	var err error
	if s.upload != nil {
		err = s.upload.WriteObject(func(dst []byte) []byte { return appendMessage(dst, m) })
	}
	s.counters.addRecord(m, err)
	s.report(err)
	return err
}

// report tells logf of each distinct fault once, and once of the recovery.
func (s *session) report(err error) {
	switch {
	case err == nil && s.fault != "":
		s.fault = ""
		s.say("netlog: records are queued again")
	case err != nil && err.Error() != s.fault:
		s.fault = err.Error()
		s.say("netlog: a record was dropped: " + s.fault)
	}
}
