package doubleentry

import (
	"errors"
	"fmt"
	"hash/maphash"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
)

// maxSkipped limits the unreadable positions that are listed.
const maxSkipped = 100

// recordsPerFlow is the number of records allowed per flow of MaxFlows. A record takes a
// small part of the memory of a flow.
const recordsPerFlow = 8

var errChanged = errors.New("the input had less at the second reading: give files that stay, not pipes")

// read reads all records twice.
func (b *books) read(all Source) error {
	seed := maphash.MakeSeed()
	survey := func(rec *records.Record) {
		var h maphash.Hash
		h.SetSeed(seed)
		before, after := rec.Sent()
		h.Write(before)
		h.Write(after)
		b.survey(rec, h.Sum64())
	}
	if err := b.each(all, survey, b.unreadable); err != nil {
		return err
	}
	if len(b.nodes) == 0 {
		return errors.New("no records")
	}
	b.startSecond()
	if err := b.each(all, b.enter, func(*records.Error) {}); err != nil {
		return err
	}
	if b.entered < b.surveyed {
		return errChanged // flows that are not entered would go unchecked
	}
	return nil
}

// each calls do with every record, and skip with every position that is not one. It
// returns an error if a file cannot be read.
func (b *books) each(all Source, do func(*records.Record), skip func(*records.Error)) error {
	for rec, err := range all() {
		if e, ok := errors.AsType[*records.Error](err); ok {
			skip(e)
			continue
		}
		if err != nil {
			return err
		}
		do(rec)
		if b.MaxFlows > 0 && (b.held > b.MaxFlows || b.surveyed/recordsPerFlow > b.MaxFlows) {
			return fmt.Errorf("more than %d flows or %d records: check fewer days at once, or raise -max-flows", b.MaxFlows, b.MaxFlows*recordsPerFlow)
		}
	}
	return nil
}

// unreadable adds a finding for e, up to a limit.
func (b *books) unreadable(e *records.Error) {
	if b.skipped++; b.skipped <= maxSkipped {
		b.found(e.Pos, "unreadable", "%s", flowtable.Clean(e.Err.Error()))
	}
}

// startSecond prepares the second reading.
func (b *books) startSecond() {
	b.arrange()
	for _, n := range b.nodes {
		for _, p := range n.procs {
			p.seqs = records.Seqs{}
		}
	}
}
