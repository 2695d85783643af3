package doubleentry

import (
	"iter"
	"net/netip"
	"time"

	"github.com/go-netlog/netlog/internal/records"
)

// Source returns all records in order. It is called twice.
type Source = func() iter.Seq2[*records.Record, error]

// Options configures a check.
type Options struct {
	Loss     float64                // percent of the packets of a flow that may be lost
	Slack    time.Duration          // nodes that stop this close together count as stopping at once
	MaxFlows int                    // limits the reports of flows, the processes and claims in memory; 0: no limit
	Complete bool                   // records of all nodes are present from the first, so a missing one is a finding
	Name     func(id string) string // returns the name of a node, or ""; may be nil
}

// Check reads all records twice and compares what the nodes report. It returns an error
// if they cannot be compared.
func Check(all Source, opt Options) (*Report, error) {
	s := newSurvey(opt)
	if err := s.read(all); err != nil {
		return nil, err
	}
	pairs := s.pairs()
	ends := newEnds(pairs)
	ends.standIn(pairs)
	a := &accounts{survey: s, ends: ends, unnumbered: make(map[*node]int), left: s.records}
	if err := a.read(all); err != nil {
		return nil, err
	}
	s.noteLost()
	s.checkSequences()
	s.checkClaims()
	c := &comparison{survey: s, ends: ends, silent: make(map[netip.Addr]bool)}
	c.compare(pairs)
	s.checkShares()
	return s.result(s.nodes), nil
}
