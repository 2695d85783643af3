package netlog

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/go-netlog/netlog/internal/encode"
	"github.com/go-netlog/netlog/internal/route"
	"github.com/go-netlog/netlog/internal/window"
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
	s.notify(nil)
	_, s.lost = s.closeWindow(true)
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
// any of the routes since then do not know, also of those that arrived during the extraction
// and those that were replaced again.
//
// It reports whether the window was idle, but for the underlay, and returns the error of a
// record that the Buffer did not accept.
func (s *session) closeWindow(last bool) (idle bool, err error) {
	next := s.pending.Take()
	flows := s.extract(s.tun)
	denied := s.extract(s.denied)
	now, newer := time.Now(), s.pending.Get() // before a slow underlay can delay them
	paths := s.extract(s.underlay)
	if s.abandoned.Load() {
		return false, nil
	}
	idle = len(flows)+len(denied) == 0
	s.addMissed()
	s.collector.Hold(paths)
	start, end := s.clock.Close(now)
	if s.conns != nil {
		s.counters.addOwn(s.conns.Remove(flows, denied, s.routes.Own()))
	}
	after := next.After(s.routes)
	s.routes = newer.Restrict(next.Restrict(s.routes, now), now)
	err = s.writeWindow(flows, denied, start, end, last)
	s.routes = after
	return idle, err
}

// extract returns what d has counted: nothing if d is nil, or if the session is abandoned.
func (s *session) extract(d Device) window.Flows {
	if d == nil || s.abandoned.Load() {
		return nil
	}
	return d.ExtractStatistics()
}

// addMissed adds the packets that the devices have lost since its last call to the next record.
func (s *session) addMissed() {
	var missed uint64
	for _, d := range [...]Device{s.tun, s.underlay, s.denied} {
		if l, ok := d.(lossy); ok && !s.abandoned.Load() {
			missed += l.LostPackets()
		}
	}
	s.collector.Lost += missed - min(s.missed, missed)
	s.missed = missed
}

// writeWindow writes the records of what the devices have counted, if any.
func (s *session) writeWindow(flows, denied window.Flows, start, end time.Time, last bool) error {
	w, ok := s.collector.Collect(flows, denied, s.routes, last)
	if s.abandoned.Load() {
		return nil // the rest of the flows was left out
	}
	s.counters.addWindow(&s.collector)
	if !ok {
		return nil
	}
	w.NodeID, w.Start, w.End, w.Own = s.nodeID, start, end, s.routes.Own()
	var lookup func(netip.Addr) (Node, bool)
	if s.lookupNode != nil {
		lookup = s.lookupKnown
		w.SrcNode = window.Self(w.Own, lookup)
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
