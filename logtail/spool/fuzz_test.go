package spool

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
	"testing"

	qt "github.com/frankban/quicktest"
)

// fuzzNames are the names of the files that FuzzOpen creates.
var fuzzNames = []string{
	ownerName, cursorName, lockName,
	segmentName(1), segmentName(2), segmentName(3), segmentName(9), segmentName(maxSeq), "foreign",
}

// unpack creates a directory from b, which holds for each file the index of its name, its length in
// two bytes, and its content.
func unpack(b []byte) *memDisk {
	d := newMemDisk()
	for len(b) >= 3 {
		name, size := fuzzNames[int(b[0])%len(fuzzNames)], int(binary.LittleEndian.Uint16(b[1:]))
		b = b[3:]
		size = min(size, len(b))
		d.files[name] = &memFile{disk: d, name: name, data: bytes.Clone(b[:size])}
		b = b[size:]
	}
	return d
}

func pack(d *memDisk) (b []byte) {
	for _, name := range slices.Sorted(maps.Keys(d.files)) {
		data := d.files[name].data
		b = append(b, byte(slices.Index(fuzzNames, name)))
		b = binary.LittleEndian.AppendUint16(b, uint16(len(data)))
		b = append(b, data...)
	}
	return b
}

// FuzzOpen opens a directory with arbitrary files. Open must not panic, Peek must return only entries
// that are in the files, and new entries must be kept.
func FuzzOpen(f *testing.F) {
	d := newMemDisk()
	s, err := open(d, testOwner, Options{MaxBytes: 64 << 10, Sync: Never})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pack(d.clone()))
	s.segBytes = 40
	for _, e := range []string{"first", "second and longer", "third"} {
		if err := s.Append([]byte(e)); err != nil {
			f.Fatal(err)
		}
		f.Add(pack(d.clone()))
	}
	if err := s.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(pack(d.clone()))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := unpack(b)
		frames := bytes.Clone(b) // contains every entry
		s, err := open(d, testOwner, Options{MaxBytes: 64 << 10, Sync: Never})
		if err != nil {
			return
		}
		fresh := []byte("a new entry")
		appended := s.Append(fresh) == nil // fails if all numbers are used
		var last []byte
		for {
			entries, through, err := s.Peek(100)
			qt.Assert(t, err, qt.IsNil)
			if len(entries) == 0 {
				break
			}
			last = entries[len(entries)-1]
			for _, e := range entries {
				qt.Assert(t, bytes.Equal(e, fresh) || bytes.Contains(frames, e), qt.IsTrue)
			}
			qt.Assert(t, s.Ack(through), qt.IsNil)
		}
		if appended {
			qt.Assert(t, string(last), qt.Equals, string(fresh))
		}
		stats := s.Stats()
		qt.Assert(t, stats.Entries, qt.Equals, 0)
		qt.Assert(t, stats.Bytes, qt.Equals, int64(0))
		qt.Assert(t, stats.DroppedBytes <= uint64(len(b)), qt.IsTrue)
		qt.Assert(t, s.Close(), qt.IsNil)
	})
}
