package page

import (
	"iter"
	"slices"

	"github.com/go-netlog/netlog/tunstats"
)

const (
	stepSeconds = 10
	hourSteps   = 3600 / stepSeconds // steps that are kept
	wideSteps   = 6                  // steps of a wide sample
)

// series holds the counts of a flow by time, in steps of ten seconds since 1970. Old samples may be
// wide: a minute long. The zero series is empty.
//
// A sample is encoded as five varints: twice the number of steps since the sample before, plus 1 if
// it is wide, then the packets and bytes sent, and those received.
type series struct {
	data  []byte // the samples but the last
	base  int64  // the step from which the first sample in data is counted
	prev  int64  // the step of the last sample in data
	last  sample
	total tunstats.Counts // of all samples, without flags

	// A reader of the last quarter of an hour begins at data[mark], with the sample after that of
	// step markPrev.
	mark     int
	markPrev int64
}

// add adds counts without flags at a step, which is before the last one only if a record is late.
func (s *series) add(step int64, c tunstats.Counts) {
	if step < s.last.step {
		s.addLate(step, c)
		return
	}
	if step > s.last.step {
		if s.last.step == 0 {
			s.base, s.prev = step, step
		} else {
			s.encode(&s.last)
		}
		s.last = sample{step: step}
	}
	s.last.Counts, s.total = s.last.Counts.Add(c), s.total.Add(c)
}

// samples yields the samples that begin at a step or later, in order.
func (s *series) samples(from int64) iter.Seq[sample] {
	return func(yield func(sample) bool) {
		var m sample
		for r := s.read(from); r.next(&m); {
			if m.step >= from && !yield(m) {
				return
			}
		}
		if s.last.step >= from && s.last.step != 0 {
			yield(s.last)
		}
	}
}

// addBytes adds the bytes of each step to sums, which begins at a step. Those of a wide sample are divided.
func (s *series) addBytes(sums []uint64, from int64) {
	var m sample
	for r := s.read(from); r.next(&m); {
		m.addBytes(sums, from)
	}
	s.last.addBytes(sums, from)
}

func (m *sample) addBytes(sums []uint64, from int64) {
	if m.step < from || m.step == 0 {
		return
	}
	left := m.TxBytes
	addTo(&left, m.RxBytes)
	for n, i := m.steps(), m.step-from; n > 0 && i < int64(len(sums)); n, i = n-1, i+1 {
		part := left / uint64(n) // as spread does, but for the sum
		addTo(&sums[i], part)
		left -= part
	}
}

// spread adds the counts of each step to sums. Those of a wide sample are divided.
func (s *series) spread(sums map[int64]tunstats.Counts) {
	for m := range s.samples(0) {
		for n := uint64(m.steps()); n > 0; n-- {
			part := divide(m.Counts, n)
			sums[m.step] = sums[m.step].Add(part)
			m.step, m.Counts = m.step+1, minus(m.Counts, part)
		}
	}
}

// sum returns the counts of the samples that begin at a step or later.
func (s *series) sum(from int64) (c tunstats.Counts) {
	switch {
	case from <= s.base:
		return s.total
	case from > s.last.step:
		return c
	}
	var m sample
	r := s.read(from)
	if len(r.data) == len(s.data) { // all but the first ones, probably
		c = s.total
		for r.next(&m) && m.step < from {
			c = minus(c, m.Counts)
		}
		return c
	}
	c = s.last.Counts
	for r.next(&m) {
		if m.step >= from {
			addTo(&c.TxPackets, m.TxPackets)
			addTo(&c.TxBytes, m.TxBytes)
			addTo(&c.RxPackets, m.RxPackets)
			addTo(&c.RxBytes, m.RxBytes)
		}
	}
	return c
}

// set replaces the samples.
func (s *series) set(list []sample) {
	*s = series{data: s.data[:0]}
	if len(list) == 0 {
		return
	}
	s.base, s.prev = list[0].step, list[0].step
	for i := range list {
		s.total = s.total.Add(list[i].Counts)
		if i < len(list)-1 {
			s.encode(&list[i])
		}
	}
	s.last = list[len(list)-1]
}

// addLate adds counts before the last sample.
func (s *series) addLate(step int64, c tunstats.Counts) {
	list := slices.Collect(s.samples(0))
	i := 0
	for i < len(list) && list[i].step+list[i].steps() <= step {
		i++
	}
	if list[i].step > step {
		list = slices.Insert(list, i, sample{step: step})
	}
	list[i].Counts = list[i].Counts.Add(c)
	s.set(list)
}

// cut removes the samples before a step, and moves the mark to one quarter of an hour before now.
func (s *series) cut(from, now int64) {
	if s.last.step < from {
		*s = series{}
		return
	}
	var m sample
	r := reader{s.data, s.base}
	for r.next(&m) && m.step < from {
		s.base = m.step
		s.total = minus(s.total, m.Counts)
		s.mark -= len(s.data) - len(r.data)
		s.data = r.data
	}
	if len(s.data) == 0 {
		s.data, s.base, s.prev = nil, s.last.step, s.last.step
	}
	if s.mark <= 0 {
		s.mark, s.markPrev = 0, s.base
	}
	for r := (reader{s.data[s.mark:], s.markPrev}); r.next(&m) && m.step < now-fineSteps; {
		s.mark, s.markPrev = len(s.data)-len(r.data), m.step
	}
}

// divide returns one part of n of c, without flags.
func divide(c tunstats.Counts, n uint64) tunstats.Counts {
	return tunstats.Counts{TxPackets: c.TxPackets / n, TxBytes: c.TxBytes / n, RxPackets: c.RxPackets / n, RxBytes: c.RxBytes / n}
}

// minus returns a without b. A sum that was saturated is no longer exact.
func minus(a, b tunstats.Counts) tunstats.Counts {
	a.TxPackets -= min(a.TxPackets, b.TxPackets)
	a.TxBytes -= min(a.TxBytes, b.TxBytes)
	a.RxPackets -= min(a.RxPackets, b.RxPackets)
	a.RxBytes -= min(a.RxBytes, b.RxBytes)
	return a
}

// widen adds up the samples of each minute that ends before a step.
func (s *series) widen(before int64) {
	var list []sample
	for m := range s.samples(0) {
		minute := m.step - m.step%wideSteps
		n := len(list) - 1
		switch {
		case m.wide || minute+wideSteps > before || m.step == s.last.step:
			list = append(list, m)
		case n >= 0 && list[n].wide && list[n].step == minute:
			list[n].Counts = list[n].Counts.Add(m.Counts)
		default:
			list = append(list, sample{step: minute, wide: true, Counts: m.Counts})
		}
	}
	s.set(list)
	s.data = slices.Clip(slices.Clone(s.data)) // the old ones took more
}
