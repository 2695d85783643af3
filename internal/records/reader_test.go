package records_test

import (
	"io"
	"runtime"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/internal/records"
)

const one = `{"logtail":{"id":"aa","proc_seq":1},"nodeId":"n1","virtualTraffic":[{"proto":6,"src":"10.0.0.1:1","dst":"10.0.0.2:2","txPkts":18446744073709551615,"future":{"a":[1]}}]}`

func readAll(r io.Reader) (lines []int, nodes []string, errs []string) {
	d := records.NewReader(r, "")
	for {
		rec, err := d.Next()
		if err == io.EOF {
			return lines, nodes, errs
		}
		if err != nil {
			errs = append(errs, err.Error())
			continue
		}
		lines = append(lines, rec.Pos.Line)
		nodes = append(nodes, rec.NodeID)
	}
}

func TestReaderStreams(t *testing.T) {
	two := strings.Replace(one, "n1", "n2", 1)
	for _, test := range []struct {
		name, in string
		lines    []int
	}{
		{"lines", one + "\n" + two + "\n", []int{1, 2}},
		{"lines without a last newline", one + "\n" + two, []int{1, 2}},
		{"array", "[" + one + ",\n" + two + "]", []int{1, 2}},
		{"several arrays", "[" + one + "]\n\n[" + two + "]", []int{1, 3}},
		{"envelope", `{"tailnet":"x","logs":[` + one + "," + two + `],"next":null}`, []int{1, 1}},
		{"envelope of envelopes", `{"time":1,"event":` + one + "}\n" + `{"event":{"data":` + two + "}}", []int{1, 2}},
		{"other objects between", `{"a":"}{"}` + one + `{"b":[{}]} 12 "x" ` + two, []int{1, 1}},
		{"text sequence", "\x1e" + one + "\n\x1e" + two + "\n", []int{1, 2}},
		{"byte order marks of joined files", "\xef\xbb\xbf" + one + "\n\xef\xbb\xbf" + two, []int{1, 2}},
		{"after a hole of zero bytes", one + "\n" + strings.Repeat("\x00", 100) + two + "\n", []int{1, 2}},
		{"indented array", "[\n  " + one + ",\n  " + two + "\n]\n", []int{2, 3}},
		{"indented envelope", "{\n \"a\": {\n  \"b\": null\n },\n \"logs\": [\n" + one + ",\n" + two + "\n]\n}", []int{6, 7}},
		{"strings between", `"\u00e9" "{"` + one + two, []int{1, 1}},
		{"member of another record", `{"x":` + one + `,"logtail":{}}` + two, []int{1, 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(test.in), oneByte{strings.NewReader(test.in)}} {
				lines, nodes, errs := readAll(r)
				qt.Check(t, errs, qt.HasLen, 0)
				qt.Check(t, nodes, qt.DeepEquals, []string{"n1", "n2"})
				qt.Check(t, lines, qt.DeepEquals, test.lines)
			}
		})
	}
}

func TestReaderTorn(t *testing.T) {
	for _, test := range []struct{ name, in string }{
		{"inside a string", one[:20] + "\n" + one + "\n" + one},
		{"inside a key of a flow", one[:len(one)-60] + "\n" + one + "\n" + one},
		{"between members", `{"virtualTraffic":[{"proto":6,` + "\n" + one + "\n" + one},
		{"between elements", `{"virtualTraffic":[` + "\n" + one + "\n" + one},
		{"at the end", one + "\n" + one + "\n" + one[:100]},
		{"a word", "hello, world\n" + one + "\n" + one},
		{"a bad count", strings.Replace(one, "18446744073709551615", "-1", 1) + "\n" + one + "\n" + one},
		{"a bad address", strings.Replace(one, "10.0.0.1:1", "10.0.0.1", 1) + "\n" + one + "\n" + one},
		{"a comma for a value", `{"logs":[,` + one + "]}\n" + one + "\n" + one},
		{"a string for a comma", `{"logs":[1 "x",` + one + "]}\n" + one + "\n" + one},
		{"a byte that begins nothing", "(x)\n" + one + "\n" + one},
		{"a string for a colon", `{"logs" "x",` + one + "}\n" + one + "\n" + one},
		{"an indented object", "{\n\"logtail\": {\n\"id\": \"aa\",\n\"a\": 1,,\n\"b\": 2\n},\n\"c\": 3}\n" + one + "\n" + one},
		{"an element of an indented array", "[\n" + one + ",\n" + one[:50] + "\n" + one + "\n]\n"},
		{"behind an indented element", "[{\"a\":\n1}, (\n" + one + ",\n" + one + "]\n"},
		{"an array at the end", "[\n" + one + ",\n" + one + ",\n"},
		{"nested too deep", strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65) + "\n" + one + "\n" + one},
		{"an end of nothing", "]\n" + one + "\n" + one},
		{"half a byte order mark", "\xef\xbb{}\n" + one + "\n" + one},
		{"half a byte order mark at the end", one + "\n" + one + "\xef\xbb"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(test.in), oneByte{strings.NewReader(test.in)}} {
				_, nodes, errs := readAll(r)
				qt.Check(t, nodes, qt.DeepEquals, []string{"n1", "n1"})
				qt.Check(t, errs, qt.HasLen, 1, qt.Commentf("%q", errs))
			}
		})
	}
}

// TestReaderWords checks that text between records is one error per line, since it may be the rest of a
// torn record. Other JSON values are skipped.
func TestReaderWords(t *testing.T) {
	for _, test := range []struct {
		in   string
		want string // the error
		n    int    // records
	}{
		{"true false null 12 -1.5e+3 0 \"x\"\n" + one, "", 1},
		{one + "true\n" + one + "\n7", "", 2},
		{"hello world\n" + one, `-:1: not JSON: "hello"`, 1},
		{"true 12 panic goroutine\n" + one, `-:1: not JSON: "panic"`, 1},
		{one + "\n" + one + " and more\n" + one, `-:2: not JSON: "and"`, 3},
		{one + "\n\nnul", `-:3: not JSON: "nul"`, 1},
		{one + "\n01", `-:2: not JSON: "01"`, 1},
		{"app " + one + "\n" + one, `-:1: not JSON: "app"`, 1},
		{strings.Repeat("x", 1<<20) + "\n" + one, `-:1: looks like text: "` + strings.Repeat("x", 40) + `"; netlog reads flow logs in JSON, and skips lines that do not begin with it`, 1},
	} {
		for _, r := range []io.Reader{strings.NewReader(test.in), oneByte{strings.NewReader(test.in)}} {
			_, nodes, errs := readAll(r)
			qt.Check(t, strings.Join(errs, " "), qt.Equals, test.want, qt.Commentf("%.100s", test.in))
			qt.Check(t, nodes, qt.HasLen, test.n, qt.Commentf("%.100s", test.in))
		}
	}
}

// TestReaderSkippableFrames checks that a zstd stream may begin with a skippable frame of any of the 16
// magic numbers. The contents of the frame are not read.
func TestReaderSkippableFrames(t *testing.T) {
	enc, err := zstd.NewWriter(nil)
	qt.Assert(t, err, qt.IsNil)
	packed := string(enc.EncodeAll([]byte(one+"\n"), nil))
	for low := range byte(16) {
		skipped := string([]byte{0x50 + low, 0x2a, 0x4d, 0x18, 5, 0, 0, 0}) + "{oops"
		empty := string([]byte{0x50 + low, 0x2a, 0x4d, 0x18, 0, 0, 0, 0})
		for _, in := range []string{skipped + packed, skipped + empty + packed, skipped + packed + skipped + packed} {
			_, nodes, errs := readAll(strings.NewReader(in))
			qt.Check(t, errs, qt.HasLen, 0)
			qt.Check(t, nodes, qt.HasLen, strings.Count(in, packed))
		}
		_, nodes, errs := readAll(strings.NewReader(skipped))
		qt.Check(t, errs, qt.HasLen, 0)
		qt.Check(t, nodes, qt.HasLen, 0)
	}
}

func TestReaderOneByte(t *testing.T) {
	_, nodes, errs := readAll(oneByte{strings.NewReader("[" + one + ",\n" + one + "]\n" + one[:50])})
	qt.Check(t, nodes, qt.HasLen, 2)
	qt.Check(t, errs, qt.HasLen, 1)
}

type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }

func TestReaderExactIntegers(t *testing.T) {
	rec, err := records.NewReader(strings.NewReader(one), "").Next()
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, rec.VirtualTraffic[0].TxPackets, qt.Equals, ^uint64(0))
	qt.Check(t, string(rec.Raw), qt.Equals, one)
	qt.Check(t, rec.Logtail.ProcSeq, qt.Equals, uint64(1))
}

func TestReaderMaxRecord(t *testing.T) {
	large := func(n int) string { return `{"text":"` + strings.Repeat("x", n) + `",` + one[1:] }
	const bound = 1 << 20
	r := records.NewReader(strings.NewReader(
		large(bound-bound/4)+"\n"+strings.Repeat(one+"\n", 20_000)+large(2*bound)+"\n"+one+"\n["+large(bound-1000)+"]\n"+
			`{"notes":[`+strings.Repeat("1,", bound)+`1],"logs":[`+one+"]}\n"+
			`{"notes":"`+strings.Repeat("x", bound-100)+`","logs":[`+one+"]}\n"+
			strings.Repeat("1", 2*bound)+"\n"+one), "")
	r.SetMaxRecord(bound)
	n, errs := 0, 0
	for {
		_, err := r.Next()
		if err == io.EOF {
			break
		}
		if n++; err != nil {
			errs++
		}
	}
	qt.Check(t, n, qt.Equals, 20_008)
	qt.Check(t, errs, qt.Equals, 2)
}

func TestRecordSent(t *testing.T) {
	for in, want := range map[string]string{
		`{"logtail":{"id":"a","server_time":"x","proc_seq":1},"text":"server_time"}`:              `{"logtail":{"id":"a","server_time":|,"proc_seq":1},"text":"server_time"}`,
		`{"a":{"server_time":1}, "logtail" : { "server_time" : "x" } , "server_time":2}`:          `{"a":{"server_time":1}, "logtail" : { "server_time" : | } , "server_time":2}`,
		`{"virtualTraffic":[{"server_time":1}]}`:                                                  `{"virtualTraffic":[{"server_time":1}]}|`,
		`{"logtail":{"error":{"bad_data":{"server_time":1}}},"exitTraffic":[],"server_time":"y"}`: `{"logtail":{"error":{"bad_data":{"server_time":1}}},"exitTraffic":[],"server_time":"y"}|`,
	} {
		before, after := (&records.Record{Raw: []byte(in)}).Sent()
		qt.Check(t, string(before)+"|"+string(after), qt.Equals, want)
	}
}

func TestReaderStreamMemory(t *testing.T) {
	const size = 16 << 20
	r := records.NewReader(&repeat{head: `{"name":"x","logs":[`, text: one + ",\n", left: size}, "")
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	var peak uint64
	n := 0
	for {
		_, err := r.Next()
		if err != nil {
			break
		}
		if n++; n%10_000 == 0 {
			peak = max(peak, live())
		}
	}
	qt.Check(t, n > size/(len(one)+2)-10, qt.IsTrue)
	qt.Check(t, peak < before+4<<20, qt.IsTrue, qt.Commentf("%d bytes before, %d at most", before, peak))
}

// TestReaderEnvelopeMemory reads an object without a record, which only its size shows not to be one.
func TestReaderEnvelopeMemory(t *testing.T) {
	r := records.NewReader(&repeat{head: `{"notes":[{"list":[`, text: `{"a":1},` + "\n", left: 8 << 20}, "")
	r.SetMaxRecord(1 << 20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := r.Next()
	runtime.ReadMemStats(&after)
	qt.Check(t, err, qt.ErrorMatches, "-:1: .*torn off")
	qt.Check(t, after.TotalAlloc-before.TotalAlloc < 16<<20, qt.IsTrue, qt.Commentf("%d bytes", after.TotalAlloc-before.TotalAlloc))
}

// repeat is a stream of head and then text repeatedly.
type repeat struct {
	head, text string
	left       int
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return strings.NewReader("").Read(p)
	}
	n := copy(p, r.head)
	r.head = r.head[n:]
	for n+len(r.text) <= len(p) {
		n += copy(p[n:], r.text)
	}
	if n == 0 { // a small buffer gets the rest of a text first
		r.head = r.text
		n = copy(p, r.head)
		r.head = r.head[n:]
	}
	r.left -= n
	return n, nil
}
