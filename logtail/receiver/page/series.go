package page

import (
	"encoding/binary"
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
}

// sample holds the counts of one step, or of the wideSteps steps that begin with it.
type sample struct {
	step int64
	wide bool
	tunstats.Counts
}

// steps returns the number of steps of m.
func (m *sample) steps() int64 {
	if m.wide {
		return wideSteps
	}
	return 1
}

// add adds counts at a step, which is the last one or a later one unless a record comes late.
func (s *series) add(step int64, c tunstats.Counts) {
	c.TxFlags, c.RxFlags = 0, 0
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

// encode appends m to data.
func (s *series) encode(m *sample) {
	head := uint64(m.step-s.prev) << 1
	if m.wide {
		head |= 1
	}
	for _, v := range [...]uint64{head, m.TxPackets, m.TxBytes, m.RxPackets, m.RxBytes} {
		s.data = binary.AppendUvarint(s.data, v)
	}
	s.prev = m.step
}

// decode decodes the first sample of p, which follows that of the step before.
func decode(p []byte, before int64) (m sample, rest []byte) {
	var v [5]uint64
	for i := range v {
		n := 1
		if v[i] = uint64(p[0]); p[0] >= 0x80 {
			v[i], n = binary.Uvarint(p)
		}
		p = p[n:]
	}
	m = sample{step: before + int64(v[0]>>1), wide: v[0]&1 != 0}
	m.TxPackets, m.TxBytes, m.RxPackets, m.RxBytes = v[1], v[2], v[3], v[4]
	return m, p
}

// samples yields the samples in order.
func (s *series) samples(yield func(sample) bool) {
	m, step := sample{}, s.base
	for p := s.data; len(p) > 0; step = m.step {
		if m, p = decode(p, step); !yield(m) {
			return
		}
	}
	if s.last.step != 0 {
		yield(s.last)
	}
}

// spread yields the samples with wide ones divided into steps.
func (s *series) spread(yield func(sample) bool) {
	for m := range s.samples {
		part := m
		for n := m.steps(); n > 0; n-- {
			part.wide, part.Counts = false, m.part(uint64(n))
			if !yield(part) {
				return
			}
			part.step, m.Counts = part.step+1, minus(m.Counts, part.Counts)
		}
	}
}

// part returns one part of n of the counts of m.
func (m *sample) part(n uint64) tunstats.Counts {
	return tunstats.Counts{TxPackets: m.TxPackets / n, TxBytes: m.TxBytes / n, RxPackets: m.RxPackets / n, RxBytes: m.RxBytes / n}
}

// sum returns the counts of the samples that begin at a step or later.
func (s *series) sum(from int64) (c tunstats.Counts) {
	if from <= s.base {
		return s.total
	}
	for m := range s.samples {
		if m.step >= from {
			c = c.Add(m.Counts)
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
	list := slices.Collect(s.samples)
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

// cut removes the samples before a step.
func (s *series) cut(from int64) {
	step := s.base
	for len(s.data) > 0 {
		m, rest := decode(s.data, step)
		if m.step >= from {
			break
		}
		step, s.data = m.step, rest
		s.total = minus(s.total, m.Counts)
	}
	if s.base = step; len(s.data) == 0 {
		s.data = nil
		if s.base, s.prev = s.last.step, s.last.step; s.last.step < from {
			*s = series{}
		}
	}
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
	for m := range s.samples {
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
