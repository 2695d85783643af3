package doubleentry

import (
	"errors"
	"fmt"
	"hash/maphash"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
)

// maxSkipped bounds the places that cannot be read which are told one by one.
const maxSkipped = 100

// recordsPerFlow is how many records are let in for each flow that is, since a
// record takes a small part of the memory of a flow.
const recordsPerFlow = 8

var errChanged = errors.New("the input had less at the second reading: give files that stay, not pipes")

// read reads the input twice.
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
		return errChanged // else what is not entered would be held against nobody
	}
	return nil
}

// each calls do with every record, and skip with every place that is none. A file
// that cannot be read is an error.
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

// unreadable is a finding, told one by one so far as anyone will read it.
func (b *books) unreadable(e *records.Error) {
	if b.skipped++; b.skipped <= maxSkipped {
		b.found(e.Pos, "unreadable", "%s", flowtable.Clean(e.Err.Error()))
	}
}

// startSecond makes ready for the second reading.
func (b *books) startSecond() {
	b.arrange()
	for _, n := range b.nodes {
		for _, p := range n.procs {
			p.seqs = records.Seqs{}
		}
	}
}
