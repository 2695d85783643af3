package doubleentry

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-netlog/netlog/cmd/netlog/internal/names"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
)

// check finds everything that does not agree.
func (b *books) check() {
	b.noteLost()
	b.checkSequences()
	b.checkClaims()
	b.checkFlows()
	b.checkShares()
}

// noteLost adds a note for each node that could not count some packets.
func (b *books) noteLost() {
	for _, n := range b.nodes {
		if n.lost > 0 {
			b.note("node %s reports %s that it could not count: it may have less than others", b.label(n.num), flowtable.Plural(n.lost, "packet"))
		}
	}
}

// checkSequences finds missing entries in the middle of a process. Missing entries at the
// start are a note, because retention deletes the oldest files.
func (b *books) checkSequences() {
	for _, n := range b.nodes {
		late := lateBooks{}
		for _, id := range slices.Sorted(maps.Keys(n.procs)) {
			p := n.procs[id]
			gaps := p.seqs.Gaps()
			if first := p.seqs.First(); first > 1 {
				if b.Complete {
					gaps = append([]records.Run{{First: 1, Last: first - 1}}, gaps...)
				} else {
					late.add(p, first-1)
				}
			}
			if len(gaps) > 0 {
				b.found(p.first, "sequence gap", "node %s, process %d: %s%s", b.label(n.num), id, gapsString(gaps), droppedString(p.dropped))
			}
		}
		if late.procs > 0 {
			b.note("node %s, %s: the first %s missing, as where older files are deleted; -complete makes that a finding%s",
				b.label(n.num), flowtable.Plural(late.procs, "process"), flowtable.Plural(late.entries, "entry"), droppedString(late.dropped))
		}
	}
}

// lateBooks counts the processes of a node whose first entries are missing.
type lateBooks struct {
	procs            int
	entries, dropped uint64
}

func (l *lateBooks) add(p *process, missing uint64) {
	l.procs++
	l.entries, l.dropped = flowtable.Sum(l.entries, missing), flowtable.Sum(l.dropped, p.dropped)
}

// gapsString describes the missing entries: their number and the first gaps.
func gapsString(gaps []records.Run) string {
	const most = 10
	var missing uint64
	var list []string
	for _, g := range gaps {
		missing += g.Last - g.First + 1
		if len(list) < most {
			list = append(list, runString(g))
		}
	}
	if len(gaps) > most {
		list = append(list, "...")
	}
	return fmt.Sprintf("%s missing (%s)", flowtable.Plural(missing, "entry"), strings.Join(list, ", "))
}

// droppedString repeats how many entries the node reports as dropped.
func droppedString(dropped uint64) string {
	if dropped == 0 {
		return ""
	}
	return fmt.Sprintf("; the node says that it dropped %d", dropped)
}

func runString(r records.Run) string {
	if r.First == r.Last {
		return fmt.Sprint(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// checkClaims compares the node IDs in the records with the public IDs that the receiver
// saw.
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
			if names.IsPublicID(id) && names.IsPublicID(n.id) && !strings.EqualFold(id, n.id) {
				b.found(n.claims[id].pos, "disagreeing claim", "%s %s, but logtail.id %s", n.claims[id].member, id, n.id)
			}
		}
		slices.SortFunc(ids, func(x, y string) int { return comparePos(n.claims[x].pos, n.claims[y].pos) })
		for _, id := range ids[min(1, len(ids)):] {
			b.found(n.claims[id].pos, "disagreeing claim", "logtail.id %s has %s %.*q here, %s %.*q at %s",
				b.label(n.num), n.claims[id].member, maxShown, id, n.claims[ids[0]].member, maxShown, ids[0], flowtable.Clean(n.claims[ids[0]].pos.String()))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byClaim)) {
		cs := byClaim[id]
		stays := make([]stay, len(cs))
		for i, c := range cs {
			stays[i] = stay{i, c.start, c.end}
		}
		// Two IDs that claim it one after the other are one node with a new private ID.
		if i, j, ok := firstMeeting(stays, 0); ok {
			c, d := cs[j], cs[i]
			b.found(c.pos, "disagreeing claim", "%s %.*q of logtail.id %s is that of %s at %s too", c.member, maxShown, id,
				b.label(c.node), b.label(d.node), flowtable.Clean(d.pos.String()))
		}
	}
}

func comparePos(a, b records.Pos) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
}

// maxShown limits the bytes shown of an ID, which a node can choose freely.
const maxShown = 64

// label returns a printable name of a node.
func (b *books) label(n uint32) string {
	id := b.nodes[n].id
	if b.Name != nil {
		if name := b.Name(id); name != "" {
			return flowtable.Clean(name)
		}
	}
	id = names.ShortID(id)
	return flowtable.Clean(id[:min(len(id), maxShown)])
}

// times describes when n counted. A node may have sent only text.
func (n *node) times() string {
	if len(n.spans) == 0 {
		return "no windows"
	}
	start, end := n.spans[0].start, n.spans[len(n.spans)-1].end // they are in order and apart
	return fmt.Sprintf("%s to %s", start.UTC().Format(time.DateTime), end.UTC().Format(time.DateTime))
}

// clock describes the difference between the clocks of n and of the receiver.
func (n *node) clock() string {
	switch {
	case !n.timed:
		return "not known"
	case n.ahead < 0:
		return fmt.Sprintf("%v ahead", (-n.ahead).Round(time.Millisecond))
	}
	return fmt.Sprintf("at most %v behind", n.ahead.Round(time.Millisecond))
}
