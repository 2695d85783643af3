package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
)

// check finds what does not agree.
func (b *books) check() {
	b.checkSequences()
	b.checkClaims()
	b.checkFlows()
	b.checkShares()
}

// checkSequences finds the entries that are missing in the middle of a process.
func (b *books) checkSequences() {
	for _, n := range b.nodes {
		for _, id := range slices.Sorted(maps.Keys(n.procs)) {
			p := n.procs[id]
			gaps := p.seqs.Gaps()
			if first := p.seqs.First(); first > 1 {
				gaps = append([]records.Run{{First: 1, Last: first - 1}}, gaps...)
			}
			if len(gaps) == 0 {
				continue
			}
			var missing uint64
			var list []string
			for _, g := range gaps {
				missing += g.Last - g.First + 1
				if len(list) < 10 {
					list = append(list, runString(g))
				}
			}
			if len(gaps) > len(list) {
				list = append(list, "...")
			}
			told := ""
			if p.dropped > 0 {
				told = fmt.Sprintf("; the node says that it dropped %d", p.dropped)
			}
			b.found(p.first, "sequence gap", "node %s, process %d: %d entries missing (%s)%s",
				b.label(n.num), id, missing, strings.Join(list, ", "), told)
		}
	}
}

func runString(r records.Run) string {
	if r.First == r.Last {
		return fmt.Sprint(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// checkClaims holds the node IDs inside the records against the public IDs that
// the receiver saw.
func (b *books) checkClaims() {
	type claimant struct {
		node uint32
		*claim
	}
	byClaim := make(map[string][]claimant)
	for _, n := range b.nodes {
		ids := slices.Sorted(maps.Keys(n.claims))
		for _, id := range ids {
			byClaim[id] = append(byClaim[id], claimant{n.num, n.claims[id]})
			if isPublicID(id) && isPublicID(n.id) && !strings.EqualFold(id, n.id) {
				b.found(n.claims[id].pos, "disagreeing claim", "nodeId %s, but logtail.id %s", id, n.id)
			}
		}
		slices.SortFunc(ids, func(x, y string) int { return comparePos(n.claims[x].pos, n.claims[y].pos) })
		for _, id := range ids[min(1, len(ids)):] {
			b.found(n.claims[id].pos, "disagreeing claim", "logtail.id %s has nodeId %q here, %q at %s",
				b.label(n.num), id, ids[0], flowtable.Clean(n.claims[ids[0]].pos.String()))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byClaim)) {
		cs := byClaim[id]
		for i, c := range cs {
			for _, d := range cs[:i] {
				// One after the other is a node that changed its private ID.
				if c.start.Before(d.end) && d.start.Before(c.end) {
					b.found(c.pos, "disagreeing claim", "nodeId %q of logtail.id %s is that of %s at %s too",
						id, b.label(c.node), b.label(d.node), flowtable.Clean(d.pos.String()))
				}
			}
		}
	}
}

func comparePos(a, b records.Pos) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
}

// label names a node.
func (b *books) label(n uint32) string {
	id := b.nodes[n].id
	if name := b.names.node(id); name != "" {
		return flowtable.Clean(name)
	}
	return flowtable.Clean(shortID(id))
}

func (n *bookNode) start() time.Time {
	if len(n.spans) == 0 {
		return time.Time{}
	}
	return n.spans[0].start
}

func (n *bookNode) end() (end time.Time) {
	for _, s := range n.spans {
		if s.end.After(end) {
			end = s.end
		}
	}
	return end
}

// clock tells how far the node's clock is from the receiver's.
func (n *bookNode) clock() string {
	switch {
	case !n.timed:
		return "not known"
	case n.ahead < 0:
		return fmt.Sprintf("%v ahead", (-n.ahead).Round(time.Millisecond))
	}
	return fmt.Sprintf("at most %v behind", n.ahead.Round(time.Millisecond))
}
