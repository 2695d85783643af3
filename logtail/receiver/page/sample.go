package page

import (
	"encoding/binary"

	"github.com/go-netlog/netlog/tunstats"
)

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

// reader reads encoded samples.
type reader struct {
	data []byte
	step int64 // of the sample before
}

// next reads the next sample into m.
func (r *reader) next(m *sample) bool {
	if len(r.data) == 0 {
		return false
	}
	var v [5]uint64
	at := 0
	for i := range v {
		x := uint64(r.data[at])
		at++
		if x >= 0x80 {
			x &= 0x7f
			for shift := 7; ; shift += 7 {
				b := r.data[at]
				at++
				x |= uint64(b&0x7f) << shift
				if b < 0x80 {
					break
				}
			}
		}
		v[i] = x
	}
	r.data = r.data[at:]
	r.step += int64(v[0] >> 1)
	m.step, m.wide = r.step, v[0]&1 != 0
	m.TxPackets, m.TxBytes, m.RxPackets, m.RxBytes = v[1], v[2], v[3], v[4]
	return true
}

// read returns a reader of the samples in data that begin at a step or later, and perhaps earlier ones.
func (s *series) read(from int64) reader {
	if from > s.markPrev && s.mark > 0 {
		return reader{s.data[s.mark:], s.markPrev}
	}
	return reader{s.data, s.base}
}
