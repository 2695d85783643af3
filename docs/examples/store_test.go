package examples_test

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
)

// sent is an entry as a node sends it. The node is a letter.
type sent struct {
	node  byte
	entry string
}

// privateID returns the ID of a node.
func privateID(node byte) logtail.PrivateID { return logtail.PrivateID(bytes.Repeat([]byte{node}, 32)) }

// publicID returns the public ID of a node as text.
func publicID(node byte) string { return privateID(node).Public().String() }

// letters replaces the public IDs of nodes in s by the letters of the nodes.
func letters(s string) string {
	return strings.NewReplacer(publicID('a'), "a", publicID('b'), "b", publicID('x'), "x").Replace(s)
}

// window returns the members of a window of five seconds that began some time before now.
func window(now time.Time, ago time.Duration) string {
	start := now.Add(-ago).UTC().Truncate(time.Second)
	return fmt.Sprintf(`"start":%q,"end":%q`, start.Add(1).Format(time.RFC3339Nano), start.Add(5*time.Second+1).Format(time.RFC3339Nano))
}

// honest returns the entries of two nodes, as the uploader writes them. Node a counts 300 bytes of the flow
// between them in the last hour, node b 290. Some counters are saturated.
func honest(now time.Time) []sent {
	meta := func(proc uint32, seq uint64) string {
		return fmt.Sprintf(`{"logtail":{"client_time":%q,"proc_id":%d,"proc_seq":%d},`, now.UTC().Truncate(time.Second).Add(2).Format(time.RFC3339Nano), proc, seq)
	}
	event := func(seq uint64, minutes int, state, endpoint string) string {
		at := now.UTC().Truncate(time.Hour).Add(time.Duration(minutes) * time.Minute).Format(time.RFC3339Nano)
		return fmt.Sprintf(`{"logtail":{"client_time":%q,"proc_id":7,"proc_seq":%d},"nodeId":"a","event":"peer","peer":{"publicKey":"k2","name":"beta","address":"100.64.0.2","endpoint":%q,"state":%q,"lastHandshake":%[1]q}}`, at, seq, endpoint, state)
	}
	const most = `18446744073709551615`
	recent, old := window(now, 10*time.Minute), window(now, 3*time.Hour)
	return []sent{
		{'a', meta(7, 1) + `"nodeId":"a",` + recent + `,"srcNode":{"nodeId":"a","name":"alpha","addresses":["100.64.0.1"]},"dstNodes":[{"nodeId":"b","name":"beta","addresses":["100.64.0.2"]}],` +
			`"virtualTraffic":[{"proto":6,"src":"100.64.0.1:4000","dst":"100.64.0.2:22","txPkts":2,"txBytes":200,"rxPkts":2,"rxBytes":100,"txFlags":2,"rxFlags":18,"more":true},` +
			`{"proto":6,"src":"100.64.0.1:4001","dst":"100.64.0.2:81","txPkts":1,"txBytes":60,"rxPkts":1,"rxBytes":40,"txFlags":2,"rxFlags":4}],` +
			`"subnetTraffic":[{"proto":17,"src":"100.64.0.1:5000","dst":"192.168.1.1:53","txPkts":` + most + `,"txBytes":` + most + `,"rxPkts":` + most + `,"rxBytes":` + most + `}],` +
			`"exitTraffic":[{"txPkts":3,"txBytes":` + most + `,"rxBytes":` + most + `}],` +
			`"deniedTraffic":[{"proto":6,"src":"100.64.0.1:23","dst":"100.64.0.9:999","rxPkts":1,"rxBytes":60,"rxFlags":2}],"future":{"x":1}}`},
		{'a', meta(7, 2) + `"text":"logtail: 3 entries were dropped before they could be delivered","droppedEntries":3,"droppedBytes":` + most + `}`},
		{'a', meta(7, 3) + `"nodeId":"a",` + old + `,"virtualTraffic":[{"proto":6,"src":"100.64.0.1:4000","dst":"100.64.0.2:22","txPkts":9,"txBytes":9000}]}`},
		{'b', meta(8, 1<<64-1) + `"nodeId":"b",` + recent + `,"virtualTraffic":[{"proto":6,"src":"100.64.0.2:22","dst":"100.64.0.1:4000","txPkts":2,"txBytes":100,"rxPkts":2,"rxBytes":190,"txFlags":18,"rxFlags":2},` +
			`{"proto":6,"src":"100.64.0.2:81","dst":"100.64.0.1:4001","txPkts":1,"txBytes":40,"rxPkts":1,"rxBytes":60,"txFlags":4,"rxFlags":2}]}`},
		{'a', event(4, 1, "connected", "192.0.2.7:1")}, {'a', event(5, 2, "moved", "192.0.2.7:2")},
		{'a', event(6, 3, "disconnected", "192.0.2.7:2")}, {'a', event(7, 4, "connected", "192.0.2.7:2")},
	}
}

// junk returns values that members may have in the entries of a hostile node.
func junk() []string {
	values := []string{
		`null`, `true`, `-1`, `-0`, `1.5`, `1e400`, `-1e400`, `256`, `4294967296`, `18446744073709551615`, `18446744073709551616`, `1` + strings.Repeat("0", 400),
		`""`, `"x"`, `"-5"`, `"18446744073709551615"`, `"\u0000"`, `"\ufffd\u202e"`, `"'); DROP TABLE flows; --"`, `"\\N\t\n"`,
		`"infinity"`, `"-infinity"`, `"epoch"`, `"0000-00-00T00:00:00Z"`, `"9999-12-31T23:59:59.999999999Z"`, `"+294247-01-10T04:00:54Z"`,
		`"1677-09-21T00:12:43Z"`, `"2262-04-11T23:47:17Z"`, `"2026-11-22T10:00:00+23:59"`, `"2016-12-31T23:59:60Z"`,
		`[]`, `{}`, `[null]`, `[[]]`, `[1,"x",true,null,{}]`, `[{}]`, `{"a":[{"b":"c"}]}`, `[{"src":[{}],"dst":{},"proto":[]}]`, `[{"addresses":5},{"addresses":[[],{}]}]`,
		`[{"src":"y","src":"z"}]`, strings.Repeat(`[`, 62) + strings.Repeat(`]`, 62), strings.Repeat(`{"a":`, 62) + `0` + strings.Repeat(`}`, 62),
		`"` + strings.Repeat("long", 50_000) + `"`, `[` + strings.Repeat(`{},`, 2_000) + `{}]`,
	}
	return append(values, surrogates()...)
}

// surrogates returns strings that are valid by the grammar of JSON, but are not Unicode.
func surrogates() []string { return []string{`"\ud800"`, `"\udc00x"`, `"\ud800\ud800"`} }

// hostile returns entries of a node that writes everything it can think of.
func hostile(now time.Time) []sent {
	var all []sent
	add := func(format string, args ...any) {
		entry := fmt.Sprintf(`{"logtail":{"proc_id":9,"proc_seq":%d},`, len(all)) + fmt.Sprintf(format, args...) + "}"
		all = append(all, sent{'x', entry})
	}
	at := now.UTC().Format(time.RFC3339)
	members := []string{
		"nodeId", "start", "end", "srcNode", "dstNodes", "virtualTraffic", "subnetTraffic", "exitTraffic", "physicalTraffic", "deniedTraffic",
		"text", "droppedEntries", "droppedBytes", "lostPackets", "event", "peer", "NodeID", "VirtualTraffic", "_time", "_msg", "_stream", "_stream_id", "entry", "virtualTraffic.src",
	}
	counts := []string{"proto", "src", "dst", "txPkts", "txBytes", "rxPkts", "rxBytes", "txFlags", "rxFlags", "more"}
	for _, value := range junk() {
		for _, name := range members {
			others := `"start":"` + at + `","end":"` + at + `"`
			if name == "start" || name == "end" {
				others = `"exitTraffic":[{"txPkts":1}]`
			}
			add(`%s,%q:%s`, others, name, value)
			if !strings.HasSuffix(name, "Traffic") {
				add(`%q:%s,"virtualTraffic":[{"src":"203.0.113.1:1","dst":"203.0.113.2:2"}]`, name, value)
			}
		}
		for _, name := range counts {
			flow := strings.Replace(`{"proto":6,"src":"203.0.113.1:1","dst":"203.0.113.2:2","txBytes":1,"rxBytes":1,`, strconv.Quote(name)+":", `"other":`, 1)
			flow += strconv.Quote(name) + ":" + value + "}"
			add(`"start":%q,"end":%q,"virtualTraffic":[%s],"deniedTraffic":[%s]`, at, at, flow, flow)
		}
		all = append(all, sent{'x', `{"logtail":` + value + `,"text":"x"}`}, sent{'x', `{"logtail":{"proc_id":` + value + `,"proc_seq":1,"error":{"id":` + value + `}}}`})
	}
	for month := range time.Month(400) {
		add(`"start":%q,"end":%q,"exitTraffic":[{"txPkts":1}]`, time.Date(2000, 1+month, 1, 0, 0, 0, 0, time.UTC).Format(time.RFC3339), at)
	}
	return append(all, sent{'x', `{}`}, sent{'x', `{"text":"` + strings.Repeat("x", 200_000) + `"}`})
}

// newStore returns the directory and the lines of a store of netlog serve. All lines are there twice, in a finished
// file too, as if they had been sent again after a restart. There are also a file that is not complete, which no
// reader may read, and a torn last line.
func newStore(t *testing.T, entries []sent) (dir string, lines []string) {
	dir = filepath.Join(t.TempDir(), "flows")
	files, err := filestore.Open(dir, filestore.Options{})
	qt.Assert(t, err, qt.IsNil)
	h := &receiver.Handler{Sink: files}
	refused := 0
	for _, s := range entries {
		id, err := privateID(s.node).MarshalText()
		qt.Assert(t, err, qt.IsNil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/c/netlog/"+string(id), strings.NewReader(s.entry)))
		if (w.Code == 400 || w.Code == 413) && s.node == 'x' {
			refused++
			continue
		}
		qt.Assert(t, w.Code, qt.Equals, 200, qt.Commentf("%.200s", s.entry))
	}
	t.Logf("%d entries, of which the receiver refused %d", len(entries), refused)
	qt.Assert(t, files.Close(), qt.IsNil)
	written, err := filepath.Glob(filepath.Join(dir, "netlog", "*.ndjson"))
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, written, qt.HasLen, 1)
	lines = strings.Split(strings.TrimSuffix(readText(t, written[0]), "\n"), "\n")
	for _, value := range surrogates() { // earlier receivers stored these
		lines = append(lines, fmt.Sprintf(`{"logtail":{"id":%q,"server_time":"2026-11-22T10:00:00Z"},"text":%s,"virtualTraffic":%s}`, publicID('x'), value, value))
	}
	text := strings.Join(lines, "\n") + "\n"
	enc, err := zstd.NewWriter(nil)
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, os.WriteFile(filepath.Join(dir, "netlog", "2026-11-01.0001.ndjson.zst"), enc.EncodeAll([]byte(text), nil), 0o600), qt.IsNil)
	incomplete := fmt.Sprintf(`{"logtail":{"id":%q},"exitTraffic":[{"txPkts":77}]}`, publicID('a'))
	qt.Assert(t, os.WriteFile(filepath.Join(dir, "netlog", "2026-11-02.0001.ndjson.zst.tmp"), []byte(incomplete), 0o600), qt.IsNil)
	qt.Assert(t, os.WriteFile(written[0], []byte(text+lines[0][:len(lines[0])/2]), 0o600), qt.IsNil)
	return dir, lines
}

// stores calls f with a store of two honest nodes, and with one into which a hostile node has written too. The
// results must be the same.
func stores(t *testing.T, now time.Time, f func(t *testing.T, dir string, lines []string)) {
	for _, test := range []struct {
		name    string
		entries []sent
	}{
		{"honest", honest(now)},
		{"hostile", append(hostile(now), honest(now)...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, lines := newStore(t, test.entries)
			f(t, dir, lines)
		})
	}
}
