package page

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// Bounds of a store, together less than 128 MiB.
const (
	maxReports = 1 << 16  // of flows; a flow between two nodes has two
	maxSamples = 48 << 20 // bytes of all series
	fineSteps  = 90       // steps that widen leaves as they are
)

// numClasses is the number of classes.
const numClasses = int(flowtable.Denied) + 1

// store holds the flows and nodes of the last hour. It is not safe for concurrent use.
type store struct {
	nodes   nodes
	flows   map[flowtable.FlowKey]*flow
	others  [numClasses]map[int64]tunstats.Counts // flows that did not fit, by step
	reports int
	bytes   int   // of all series
	swept   int64 // the step of the last sweep
	folded  int64 // the step of the last fold; 0: never
	version uint64
}

// flow is one flow, with the reports of its nodes.
type flow struct {
	reports []*report
	// folded is the step of the last fold before the flow was added. An earlier part of the flow may be
	// in the sum of the others.
	folded int64
}

// report is a flow as one node reports it.
type report struct {
	flowtable.Report // with the Counts of all windows, also those that series no longer has
	series
}

// is reports whether r and id are the same report of one flow.
func (r *report) is(id flowtable.Report) bool {
	return r.Node == id.Node && r.Class == id.Class && r.Src == id.Src
}

func newStore() *store { return &store{flows: make(map[flowtable.FlowKey]*flow)} }

// stepOf returns the step of a time.
func stepOf(t time.Time) int64 { return t.Unix() / stepSeconds }

// add adds an entry. now is the time of its receipt.
func (s *store) add(r *records.Record, now time.Time) {
	s.version++
	node, ok := s.nodes.add(r, now)
	if !ok {
		return
	}
	first, last := steps(r.Start, r.End, now)
	oldest := stepOf(now) - hourSteps + 1
	if last < oldest {
		return
	}
	first = max(first, oldest)
	for _, class := range flowtable.Classes() {
		for _, cc := range class.Traffic(&r.Message) {
			s.addFlow(node, class, cc, first, last, r.Start)
		}
	}
}

// steps returns the steps of a window. A short window belongs to the step of its middle, so that a window that ends
// a little late does not count for the next step too. A window of the future counts as one of now.
func steps(start, end, now time.Time) (first, last int64) {
	if end.After(now) {
		end = now
	}
	if long := end.Sub(start); long < 0 || long > hourSteps*stepSeconds*time.Second {
		start = end
	}
	if end.Sub(start) < 2*stepSeconds*time.Second {
		middle := stepOf(start.Add(end.Sub(start) / 2))
		return middle, middle
	}
	return stepOf(start), stepOf(end.Add(-1))
}

// addFlow adds a window of a flow. Its counts are divided between the steps.
func (s *store) addFlow(node uint32, class flowtable.Class, cc record.ConnectionCounts, first, last int64, start time.Time) {
	id := flowtable.Report{Node: node, Class: class, Tuple: cc.Tuple}
	r := s.report(&id)
	size := cap(r.data)
	left := cc.Counts
	for step := first; step <= last; step++ {
		part := divide(left, uint64(last-step+1))
		r.series.add(step, part)
		left = minus(left, part)
	}
	s.bytes += cap(r.data) - size
	r.Report.Add(cc.Counts, start)
	if s.bytes > maxSamples {
		s.widen(last)
	}
	for s.reports > maxReports || s.bytes > maxSamples {
		s.fold(last)
	}
}

// report returns the report of a flow by a node, and adds it if it is new.
func (s *store) report(id *flowtable.Report) *report {
	key := id.Key()
	f := s.flows[key]
	if f == nil {
		f = &flow{folded: s.folded}
		s.flows[key] = f
	}
	for _, r := range f.reports {
		if r.is(*id) {
			return r
		}
	}
	r := &report{Report: *id}
	f.reports = append(f.reports, r)
	s.reports++
	return r
}

// widen saves memory: old samples become a minute long.
func (s *store) widen(now int64) {
	s.bytes = 0
	for _, f := range s.flows {
		for _, r := range f.reports {
			r.series.widen(now - fineSteps)
			s.bytes += cap(r.data)
		}
	}
}

// sweep removes what is older than an hour. It does so once a minute.
func (s *store) sweep(now int64) {
	if now-s.swept < wideSteps {
		return
	}
	s.swept, s.bytes = now, 0
	for _, steps := range s.others {
		maps.DeleteFunc(steps, func(step int64, _ tunstats.Counts) bool { return step <= now-hourSteps })
	}
	for key, f := range s.flows {
		f.reports = slices.DeleteFunc(f.reports, func(r *report) bool {
			r.cut(now-hourSteps+1, now)
			s.bytes += cap(r.data)
			if r.last.step == 0 {
				s.reports--
			}
			return r.last.step == 0
		})
		if len(f.reports) == 0 {
			delete(s.flows, key)
		}
	}
}

// fold makes room. It adds the smallest flows to one sum for each class, until a quarter of the reports
// is gone.
func (s *store) fold(now int64) {
	type sized struct {
		key   flowtable.FlowKey
		bytes uint64
	}
	small := make([]sized, 0, len(s.flows))
	for key, f := range s.flows {
		size := uint64(0)
		for _, r := range f.reports {
			size = max(size, flowtable.Sum(r.total.TxBytes, r.total.RxBytes))
		}
		small = append(small, sized{key, size})
	}
	slices.SortFunc(small, func(a, b sized) int { return cmp.Compare(a.bytes, b.bytes) })
	s.folded = now
	goal := s.reports * 3 / 4
	for _, k := range small {
		if s.reports <= goal {
			return
		}
		s.foldFlow(s.flows[k.key])
		delete(s.flows, k.key)
	}
}

// foldFlow adds a flow to the sum of its class, as it is counted.
func (s *store) foldFlow(f *flow) {
	row, _, counted := f.count(0)
	if s.others[row.Class] == nil {
		s.others[row.Class] = make(map[int64]tunstats.Counts)
	}
	for _, r := range counted {
		r.spread(s.others[row.Class])
	}
	for _, r := range f.reports {
		s.bytes -= cap(r.data)
	}
	s.reports -= len(f.reports)
}

// count counts f once, from a step on. It returns the row, the node that counted it, and the reports that
// the row is the sum of.
func (f *flow) count(from int64) (row flowtable.Row, node uint32, counted []*report) {
	list := make([]flowtable.Report, len(f.reports))
	for i, r := range f.reports {
		list[i] = r.Report
		list[i].Counts = r.sum(from)
	}
	row, node, n := flowtable.CountOnce(list)
	for _, r := range f.reports {
		if slices.ContainsFunc(list[:n], r.is) {
			counted = append(counted, r)
		}
	}
	return row, node, counted
}
