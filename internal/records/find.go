package records

import "github.com/go-netlog/netlog/internal/rawjson"

// finder finds the first record in an object. An object is a record if it has a member with a name of
// [isRecordKey], and no record was found in the members before.
type finder struct {
	rawjson.Scanner
	record int // index of the first byte of the record, or -1
	depth  int // nesting level of the record
}

// isRecordKey reports whether an object with a member of that name is a record. The name has its quotes.
func isRecordKey(name []byte) bool {
	switch string(name) {
	case `"virtualTraffic"`, `"subnetTraffic"`, `"exitTraffic"`, `"physicalTraffic"`, `"deniedTraffic"`, `"lostPackets"`, `"logtail"`:
		return true
	}
	return false
}

// value skips the value at the next byte. If the value contains a record, value returns the first one, and
// stops at its end.
func (f *finder) value(depth int) (record []byte, err error) {
	switch c := f.Peek(); {
	case depth >= rawjson.MaxDepth:
		return nil, rawjson.ErrDepth
	case c == '{':
		return f.object(depth)
	case c == '[':
		return f.array(depth)
	}
	return nil, f.Value(depth)
}

func (f *finder) object(depth int) (record []byte, err error) {
	start, isRecord := f.Pos, false
	f.Take('{')
	f.Space()
	for more := !f.Take('}'); more; {
		name, err := f.Key()
		if err != nil {
			return nil, err
		}
		if isRecordKey(name) {
			isRecord, f.record, f.depth = true, start, depth
		}
		if isRecord {
			err = f.Value(depth + 1)
		} else {
			record, err = f.value(depth + 1)
		}
		if record != nil || err != nil {
			return record, err
		}
		if more, err = f.More('}'); err != nil {
			return nil, err
		}
	}
	if isRecord {
		return f.Text[start:f.Pos], nil
	}
	return nil, nil
}

func (f *finder) array(depth int) (record []byte, err error) {
	f.Take('[')
	f.Space()
	for more := !f.Take(']'); more; {
		if record, err = f.value(depth + 1); record != nil || err != nil {
			return record, err
		}
		if more, err = f.More(']'); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
