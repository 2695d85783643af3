package window

import (
	"slices"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/route"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// maxHeld bounds the number of paths whose traffic is held. Further paths share one entry
// without addresses.
const maxHeld = 16384

// Flows are the counters of a device.
type Flows = map[flowtrack.Tuple]tunstats.Counts

// Collector makes windows of what the devices of a node counted. It is meant to be reused for
// one window after another, by one goroutine. The exported settings must not change after the
// first window.
//
// A window takes at most MaxBytes of JSON, without its times and SrcNode. An eighth of that is
// reserved for denied traffic, an eighth for underlay traffic, and an eighth for the names of
// nodes, as far as there are any. All may also use what the flows of the tunnel leave.
type Collector struct {
	Policy   Policy                     // how much is kept of exit traffic, also of what was denied
	Ignore   func(flowtrack.Tuple) bool // see Traffic.Collect; not for underlay traffic; may be nil
	MaxBytes int
	Named    bool // the window has names of nodes

	// Lost is the number of packets that the devices did not count, which waits for a window.
	Lost uint64

	// The results of the last Collect: what is not in the window, and how much was folded.
	IgnoredFlows           int
	Ignored, IgnoredDenied tunstats.Counts
	Folded                 int

	tunnel, denied Traffic
	held           Flows        // underlay traffic that waits for a window
	empty          *route.Table // built when it is first needed
}

// Hold adds the counters of the underlay to those that wait for the next window.
func (c *Collector) Hold(underlay Flows) {
	if c.held == nil && len(underlay) > 0 {
		c.held = make(Flows, min(len(underlay), maxHeld))
	}
	for t, n := range underlay {
		if _, ok := c.held[t]; !ok && len(c.held) >= maxHeld {
			t = flowtrack.Tuple{}
		}
		c.held[t] = c.held[t].Add(n)
	}
}

// Collect returns the window of what the devices of the tunnel and of denied traffic counted,
// sorted by the routes in t, with the underlay traffic that was held. It reports false if there is
// nothing to write. Underlay traffic and losses alone are written only if this is the last window. The lists of
// the window are valid until the next Collect. A window with nothing to write frees the memory of a
// busy one.
func (c *Collector) Collect(tunnel, denied Flows, t *route.Table, last bool) (w Window, ok bool) {
	share := func(used bool) int {
		if used {
			return c.MaxBytes / 8
		}
		return 0
	}
	names, paths := share(c.Named), share(len(c.held) > 0)
	c.tunnel.Collect(tunnel, t, c.Policy, c.Ignore, c.MaxBytes-names-paths-share(len(denied) > 0))
	left := c.MaxBytes - c.tunnel.Size
	c.denied.Collect(denied, t, c.Policy, c.Ignore, left-names-paths)
	left -= c.denied.Size
	c.Ignored, c.IgnoredDenied = c.tunnel.Ignored, c.denied.Ignored
	c.IgnoredFlows = c.tunnel.IgnoredFlows + c.denied.IgnoredFlows
	c.Folded = c.tunnel.Folded + c.denied.Folded
	if c.tunnel.Empty() && c.denied.Empty() && !(last && (len(c.held) > 0 || c.Lost > 0)) {
		return w, false
	}
	physical, size := c.takeHeld(left - names)
	lost := c.Lost
	c.Lost = 0
	return Window{
		Virtual: c.tunnel.Virtual, Subnet: c.tunnel.Subnet, Exit: c.tunnel.Exit,
		Physical: physical, Denied: c.denied.joined(), MaxNames: left - size, Lost: lost,
	}, true
}

// takeHeld returns the held traffic of the underlay, at most maxBytes of JSON, and its size.
// Underlay traffic has no classes and is never hidden, so takeHeld collects it with an empty
// table and the policy Full.
func (c *Collector) takeHeld(maxBytes int) (physical []record.ConnectionCounts, size int) {
	if len(c.held) == 0 {
		return nil, 0
	}
	if c.empty == nil {
		c.empty = route.New(route.Config{})
	}
	var outer Traffic
	outer.Collect(c.held, c.empty, Full, nil, maxBytes)
	c.Folded += outer.Folded
	c.held = nil
	return outer.Exit, outer.Size
}

// joined returns the entries of all classes in one sorted list.
func (w *Traffic) joined() []record.ConnectionCounts {
	all := slices.Concat(w.Virtual, w.Subnet, w.Exit)
	slices.SortFunc(all, func(a, b record.ConnectionCounts) int { return a.Compare(b.Tuple) })
	return all
}
