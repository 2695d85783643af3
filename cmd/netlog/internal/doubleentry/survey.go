package doubleentry

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
)

// recordsPerFlow is the number of records allowed per flow of MaxFlows. A record takes a
// small part of the memory of a flow.
const recordsPerFlow = 8

// survey is what the first reading finds.
type survey struct {
	Options
	*findings
	nodes   []*node // in the order of their first records
	byID    map[string]*node
	flows   map[flowtrack.Tuple]*flow // by the tuple with the smaller side first
	records int                       // distinct records
	held    int                       // reports, processes and claims, which count against MaxFlows
}

func newSurvey(opt Options) *survey {
	return &survey{
		Options:  opt,
		findings: &findings{told: make(map[string]int), noted: make(map[string]int)},
		byID:     make(map[string]*node),
		flows:    make(map[flowtrack.Tuple]*flow),
	}
}

// read reads all records for the first time.
func (s *survey) read(all Source) error {
	var hash maphash.Hash
	for rec, err := range all() {
		if e, ok := errors.AsType[*records.Error](err); ok {
			s.foundUnreadable(e)
			continue
		}
		if err != nil {
			return err
		}
		before, after := rec.Sent()
		hash.Reset()
		hash.Write(before)
		hash.Write(after)
		s.add(rec, hash.Sum64())
		if s.MaxFlows > 0 && (s.held > s.MaxFlows || s.records/recordsPerFlow > s.MaxFlows) {
			return fmt.Errorf("more than %d flows or %d records: check fewer days at once, or raise -max-flows",
				s.MaxFlows, s.MaxFlows*recordsPerFlow)
		}
	}
	if len(s.nodes) == 0 {
		return errors.New("no records")
	}
	for _, n := range s.nodes {
		n.setSpans()
	}
	return nil
}

// add adds a record. hash is that of the bytes that the node sent.
func (s *survey) add(rec *records.Record, hash uint64) {
	n := s.node(rec)
	p := n.processes[rec.Logtail.ProcID]
	if p == nil {
		p = &process{hashes: make(map[uint64]uint64), first: rec.Pos}
		n.processes[rec.Logtail.ProcID] = p
		s.held++
	}
	if !s.isNew(n, p, rec, hash) {
		return
	}
	s.records++
	n.records++
	n.lost = flowtable.Sum(n.lost, rec.LostPackets)
	n.clock.add(rec.Logtail)
	p.dropped = flowtable.Sum(p.dropped, rec.DroppedEntries)
	s.held += n.addClaims(rec)
	w := window{rec.Start, rec.End}
	if !w.valid() {
		s.foundNoWindow(rec)
		return
	}
	if !p.valid() {
		p.window = w
	}
	p.window = p.union(w)
	n.longest = max(n.longest, w.end.Sub(w.start))
	for class, t := range matchable(rec) {
		s.addReport(n, t.Tuple, class, rec.Pos)
	}
}

// isNew reports whether rec has not been seen. Delivery is at least once, so a record may
// come again. Another record with the same number is a finding.
func (s *survey) isNew(n *node, p *process, rec *records.Record, hash uint64) bool {
	const kind, text = "sequence number used twice", "node %s, process %d, number %d: %s"
	id, seq, conflict := rec.Logtail.ProcID, rec.Logtail.ProcSeq, rec.Logtail.Conflict
	if conflict {
		s.found(rec.Pos, kind, text, n.label, id, seq, "the receiver had other bytes before")
	}
	if !rec.HasSeq() {
		n.unnumbered++
		return true
	}
	before, seen := p.hashes[seq]
	switch {
	case !seen:
		p.seqs.Add(seq)
		p.hashes[seq] = hash
	case before != hash && !conflict:
		p.hashes[seq] = hash
		s.found(rec.Pos, kind, text, n.label, id, seq, "other bytes than before")
	}
	return !seen
}

// foundNoWindow adds a finding if rec has flows. Without a window they cannot be compared.
func (s *survey) foundNoWindow(rec *records.Record) {
	for range matchable(rec) {
		s.found(rec.Pos, "no window", "flows from %s to %s", rec.Start.UTC().Format(time.RFC3339), rec.End.UTC().Format(time.RFC3339))
		return
	}
}

// node returns the node that wrote rec. It adds the node if it is new.
func (s *survey) node(rec *records.Record) *node {
	id := nodeID(rec)
	n := s.byID[id]
	if n == nil {
		n = newNode(id, s.Name)
		s.byID[id] = n
		s.nodes = append(s.nodes, n)
	}
	return n
}

// nodeID returns the identity of the node that wrote rec. If the record has none, it is
// the name of the file, which keeps such nodes apart.
func nodeID(rec *records.Record) string { return cmp.Or(rec.Reporter(), rec.Pos.File) }

// matchable iterates over the flows of rec that can be compared with those of another node. Physical
// traffic differs at the two ends, and totals have no sides.
func matchable(rec *records.Record) iter.Seq2[flowtable.Class, *record.ConnectionCounts] {
	return func(yield func(flowtable.Class, *record.ConnectionCounts) bool) {
		for _, c := range []flowtable.Class{flowtable.Virtual, flowtable.Subnet, flowtable.Exit} {
			list := c.Traffic(&rec.Message)
			for i := range list {
				if t := &list[i]; t.Src.IsValid() && t.Dst.IsValid() && !yield(c, t) {
					return
				}
			}
		}
	}
}

// addReport adds a flow that n reports at pos.
func (s *survey) addReport(n *node, t flowtrack.Tuple, class flowtable.Class, pos records.Pos) {
	t, from := ordered(t)
	f := s.flows[t]
	if f == nil {
		f = &flow{Tuple: t}
		s.flows[t] = f
	}
	r := f.report(n, from)
	if r == nil {
		r = &report{node: n, from: from, first: pos}
		f.add(r)
		s.held++
	}
	r.last = pos
	r.virtual = r.virtual || class == flowtable.Virtual
}
