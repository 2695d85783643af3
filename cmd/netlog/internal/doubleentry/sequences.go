package doubleentry

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
)

// noteLost adds a note for each node that could not count some packets.
func (s *survey) noteLost() {
	for _, n := range s.nodes {
		if n.lost > 0 {
			s.note("node %s reports %s that it could not count: it may have less than others", n.label, flowtable.Plural(n.lost, "packet"))
		}
	}
}

// checkSequences finds missing entries in the middle of a process. Missing entries at the
// start are a note, because retention deletes the oldest files.
func (s *survey) checkSequences() {
	for _, n := range s.nodes {
		var late struct {
			processes        int
			entries, dropped uint64
		}
		for _, id := range slices.Sorted(maps.Keys(n.processes)) {
			p := n.processes[id]
			gaps := p.seqs.Gaps()
			switch before := max(p.seqs.First(), 1) - 1; {
			case before == 0:
			case s.Complete:
				gaps = slices.Insert(gaps, 0, records.Run{First: 1, Last: before})
			default:
				late.processes++
				late.entries, late.dropped = flowtable.Sum(late.entries, before), flowtable.Sum(late.dropped, p.dropped)
			}
			if len(gaps) > 0 {
				s.found(p.first, "sequence gap", "node %s, process %d: %s%s", n.label, id, gapsString(gaps), droppedString(p.dropped))
			}
		}
		if late.processes > 0 {
			s.note("node %s, %s: the first %s missing, as where older files are deleted; -complete makes that a finding%s",
				n.label, flowtable.Plural(late.processes, "process"), flowtable.Plural(late.entries, "entry"), droppedString(late.dropped))
		}
	}
}

// gapsString describes the missing entries: their number and the first gaps.
func gapsString(gaps []records.Run) string {
	const most = 10
	var missing uint64
	var list []string
	for i, g := range gaps {
		missing += g.Last - g.First + 1
		switch {
		case i > most:
		case i == most:
			list = append(list, "...")
		case g.First == g.Last:
			list = append(list, fmt.Sprint(g.First))
		default:
			list = append(list, fmt.Sprintf("%d-%d", g.First, g.Last))
		}
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
