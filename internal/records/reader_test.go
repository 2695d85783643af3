package records_test

import (
	"io"
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

func TestRecordsAreFoundInAnyStream(t *testing.T) {
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
		{"byte order mark", "\xef\xbb\xbf" + one + "\n" + two, []int{1, 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			lines, nodes, errs := readAll(strings.NewReader(test.in))
			qt.Check(t, errs, qt.HasLen, 0)
			qt.Check(t, nodes, qt.DeepEquals, []string{"n1", "n2"})
			qt.Check(t, lines, qt.DeepEquals, test.lines)
		})
	}
}

func TestWhatIsTornIsSkippedAndTold(t *testing.T) {
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
	} {
		t.Run(test.name, func(t *testing.T) {
			_, nodes, errs := readAll(strings.NewReader(test.in))
			qt.Check(t, nodes, qt.DeepEquals, []string{"n1", "n1"})
			qt.Check(t, errs, qt.HasLen, 1)
		})
	}
}

// TestWordsOfNoJSONAreTold, once a line: they may be what is left of records. Values that
// are JSON and no records are passed over.
func TestWordsOfNoJSONAreTold(t *testing.T) {
	for _, test := range []struct {
		in   string
		want string // the error
		n    int    // records
	}{
		{"true false null 12 -1.5e+3 0 \"x\"\n" + one, "", 1},
		{one + "true\n" + one + "\n7", "", 2},
		{"hello world\n" + one, `-:1: records: not JSON: "hello"`, 1},
		{"true 12 panic goroutine\n" + one, `-:1: records: not JSON: "panic"`, 1},
		{one + "\n" + one + " and more\n" + one, `-:2: records: not JSON: "and"`, 3},
		{one + "\n\nnul", `-:3: records: not JSON: "nul"`, 1},
		{one + "\n01", `-:2: records: not JSON: "01"`, 1},
		{"app " + one + "\n" + one, `-:1: records: not JSON: "app"`, 1},
		{strings.Repeat("x", 1<<20) + "\n" + one, `-:1: records: not JSON: "` + strings.Repeat("x", 40) + `"`, 1},
	} {
		for _, r := range []io.Reader{strings.NewReader(test.in), oneByte{strings.NewReader(test.in)}} {
			_, nodes, errs := readAll(r)
			qt.Check(t, strings.Join(errs, " "), qt.Equals, test.want, qt.Commentf("%.100s", test.in))
			qt.Check(t, nodes, qt.HasLen, test.n, qt.Commentf("%.100s", test.in))
		}
	}
}

// TestASkippableFrameBeginsZstdToo, with any of its 16 magic numbers. What is in it is not
// read.
func TestASkippableFrameBeginsZstdToo(t *testing.T) {
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

func TestOneByteAtATime(t *testing.T) {
	_, nodes, errs := readAll(oneByte{strings.NewReader("[" + one + ",\n" + one + "]\n" + one[:50])})
	qt.Check(t, nodes, qt.HasLen, 2)
	qt.Check(t, errs, qt.HasLen, 1)
}

type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }

func TestIntegersAreExact(t *testing.T) {
	rec, err := records.NewReader(strings.NewReader(one), "").Next()
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, rec.VirtualTraffic[0].TxPackets, qt.Equals, ^uint64(0))
	qt.Check(t, string(rec.Raw), qt.Equals, one)
	qt.Check(t, rec.Logtail.ProcSeq, qt.Equals, uint64(1))
}

func TestARecordIsBoundedAndTheRestStillRead(t *testing.T) {
	large := func(n int) string { return `{"text":"` + strings.Repeat("x", n) + `",` + one[1:] }
	const bound = 1 << 20
	r := records.NewReader(strings.NewReader(
		large(bound-bound/4)+"\n"+strings.Repeat(one+"\n", 20_000)+large(2*bound)+"\n"+one+"\n["+large(bound-1000)+"]\n"+
			`{"notes":[`+strings.Repeat("1,", bound)+`1],"logs":[`+one+"]}"), "")
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
	qt.Check(t, n, qt.Equals, 20_005)
	qt.Check(t, errs, qt.Equals, 1)
}

func TestSentLeavesOutTheServerTimeOnly(t *testing.T) {
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
