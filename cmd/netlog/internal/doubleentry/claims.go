package doubleentry

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-netlog/netlog/cmd/netlog/internal/names"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
)

// claim is a node ID that records of one node state. The survey fills it.
type claim struct {
	window        // from the first start of these records to the last end
	node   *node  // that claims it
	id     string // the node ID
	member string // the JSON member of the first record with it
	pos    records.Pos
}

// addClaims adds the node IDs that n claims in rec, and returns how many are new.
func (n *node) addClaims(rec *records.Record) (added int) {
	w := window{rec.Start, rec.End}
	for _, said := range []struct{ member, id string }{{"nodeId", rec.NodeID}, {"srcNode.nodeId", rec.SrcNode.NodeID}} {
		if said.id == "" {
			continue
		}
		c := n.claims[said.id]
		if c == nil {
			c = &claim{window: w, node: n, id: said.id, member: said.member, pos: rec.Pos}
			n.claims[said.id] = c
			added++
		}
		c.window = c.union(w)
	}
	return added
}

// checkClaims compares the node IDs in the records with the public IDs that the receiver
// saw.
func (s *survey) checkClaims() {
	byID := make(map[string][]*claim)
	for _, n := range s.nodes {
		claims := slices.SortedFunc(maps.Values(n.claims), func(x, y *claim) int { return cmp.Compare(x.id, y.id) })
		for _, c := range claims {
			byID[c.id] = append(byID[c.id], c)
			if names.IsPublicID(c.id) && names.IsPublicID(n.id) && !strings.EqualFold(c.id, n.id) {
				s.found(c.pos, "disagreeing claim", "%s %s, but logtail.id %s", c.member, c.id, n.id)
			}
		}
		slices.SortStableFunc(claims, func(x, y *claim) int { return comparePos(x.pos, y.pos) })
		for _, c := range claims[min(1, len(claims)):] {
			first := claims[0]
			s.found(c.pos, "disagreeing claim", "logtail.id %s has %s %.*q here, %s %.*q at %s",
				n.label, c.member, maxShown, c.id, first.member, maxShown, first.id, flowtable.Clean(first.pos.String()))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		s.checkClaimants(byID[id])
	}
}

// checkClaimants finds nodes that claim one ID at the same time. Nodes that claim it one after the other
// are one node with a new private ID.
func (s *survey) checkClaimants(claims []*claim) {
	stays := make([]stay, len(claims))
	for i, c := range claims {
		stays[i] = stay{i, c.window}
	}
	if i, j, ok := firstMeeting(stays, 0); ok {
		c, d := claims[j], claims[i]
		s.found(c.pos, "disagreeing claim", "%s %.*q of logtail.id %s is that of %s at %s too", c.member, maxShown, c.id,
			c.node.label, d.node.label, flowtable.Clean(d.pos.String()))
	}
}

// checkSameSide finds nodes that report f from the same side at the same time. Two
// routers of one subnet may, and a node with a new ID follows the old one.
func (s *survey) checkSameSide(f *flow, at side) {
	same := slices.Collect(f.from(at))
	same = slices.DeleteFunc(same, func(r *report) bool { return !r.virtual })
	if len(same) < 2 {
		return // most flows
	}
	var stays []stay
	for i, r := range same {
		for _, span := range r.node.spans {
			stays = append(stays, stay{i, span.window})
		}
	}
	if i, j, ok := firstMeeting(stays, s.Slack); ok {
		r, o, t := same[j], same[i], f.Tuple
		if at == dst {
			t = reversed(t)
		}
		s.found(r.first, "disagreeing claim", "%v: node %s says that it is %v, and so does node %s at %s",
			t, r.node.label, t.Src.Addr(), o.node.label, flowtable.Clean(o.first.String()))
	}
}

// stay is a time during which a claimant had an identity or an address.
type stay struct {
	who int // the number of the claimant
	window
}

// firstMeeting returns the first two claimants whose stays overlap: each starts more than slack
// before the other ends. The stays of one claimant must not overlap. firstMeeting changes stays.
func firstMeeting(stays []stay, slack time.Duration) (a, b int, ok bool) {
	for i := range stays {
		stays[i].end = stays[i].end.Add(-slack)
	}
	// A stay shorter than slack now ends before it starts. It meets those that have started
	// before it ends and end after it starts.
	slices.SortStableFunc(stays, func(x, y stay) int {
		return cmp.Or(x.from().Compare(y.from()), cmp.Compare(x.length(), y.length()))
	})
	latest := 0 // the stay before i that ends last: if i meets any, it meets this one
	for i, s := range stays {
		if l := stays[latest]; i > 0 && l.end.After(s.start) {
			return min(l.who, s.who), max(l.who, s.who), true
		}
		if s.end.After(stays[latest].end) {
			latest = i
		}
	}
	return 0, 0, false
}

// from returns the start of s, or its end if that comes first.
func (s stay) from() time.Time {
	if s.end.Before(s.start) {
		return s.end
	}
	return s.start
}

func (s stay) length() time.Duration { return s.end.Sub(s.start) }
