package netlog

import (
	"net/netip"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

func (s *session) closeLastWindow() {
	for _, d := range s.devices() {
		if s.abandoned.Load() {
			return
		}
		d.SetStatisticsEnabled(false)
	}
	s.closeWindow(true)
}

// closeWindow takes what the devices counted since the last one and writes it
// under the routes that were in force all the while.
//
// The next routes are taken before the counters: what is counted between the two
// is still written under the old ones. The other way round, a packet that was exit
// traffic when it passed could be uncovered by routes that came later.
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
	if s.own != nil {
		s.counters.addOwn(s.own.remove(flows))
	}
	s.writeWindow(flows, start, end, last)
	if next != nil {
		s.routes = next
	}
}

// maxHeld bounds the paths that an idle tunnel keeps apart; a node with this many
// peers is not idle. Past it their traffic is one entry without addresses.
const maxHeld = 16384

// hold keeps the counters of the underlay for the next record.
func (s *session) hold(flows map[flowtrack.Tuple]tunstats.Counts) {
	if len(s.held) == 0 {
		s.held = flows
		return
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
	s.traffic.sort(flows, s.routes, s.exit, ignore, s.maxWindow)
	s.counters.addTraffic(&s.traffic)
	if s.traffic.empty() && !(last && len(s.held) > 0) {
		return
	}
	w := window{
		nodeID: s.nodeID, start: start, end: end, own: s.routes.own,
		virtual: s.traffic.virtual, subnet: s.traffic.subnet, exit: s.traffic.exit,
		physical: s.takeHeld(),
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
		s.write(m)
	}
}

// takeHeld returns the counters of the underlay that wait, and holds none.
func (s *session) takeHeld() []ConnectionCounts {
	if len(s.held) == 0 {
		return nil
	}
	physical := make([]ConnectionCounts, 0, len(s.held))
	for t, c := range s.held {
		physical = append(physical, ConnectionCounts{Tuple: t, Counts: c})
	}
	s.held = nil
	return physical
}

// lookupKnown asks the host for a node, but never about an address of the world
// outside.
func (s *session) lookupKnown(a netip.Addr) (Node, bool) {
	if s.abandoned.Load() || s.routes.lookup(a) == addrUnknown {
		return Node{}, false
	}
	return s.lookupNode(a)
}

// self is the node information of this node: that of the first of its own
// addresses that the host has a name for.
func (s *session) self() Node {
	for _, a := range s.routes.own {
		if n, ok := s.lookupKnown(a); ok {
			return n
		}
	}
	return Node{}
}

// write hands one record on.
func (s *session) write(m *Message) {
	if s.onRecord != nil {
		s.onRecord(m)
	}
	var err error
	if s.upload != nil {
		err = s.upload.WriteObject(func(dst []byte) []byte { return appendMessage(dst, m) })
	}
	s.counters.addRecord(m, err)
	s.report(err)
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
