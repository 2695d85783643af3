package encode

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/encode/encodetest"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// encode returns m as the encoder writes it, with braces.
func encode(m *record.Message) string {
	return string(append(AppendMessage([]byte{'{'}, m), '}'))
}

// reference returns m as encoding/json writes it.
func reference(t testing.TB, m *record.Message) string {
	t.Helper()
	want, err := json.Marshal(m)
	qt.Assert(t, err, qt.IsNil)
	return string(want)
}

var (
	windowStart = time.Date(2026, 11, 22, 10, 0, 0, 1, time.UTC)
	windowEnd   = time.Date(2026, 11, 22, 10, 0, 5, 0, time.UTC)
)

// withFlags returns c with the given flags.
func withFlags(c record.ConnectionCounts, tx, rx tunstats.TCPFlags) record.ConnectionCounts {
	c.TxFlags, c.RxFlags = tx, rx
	return c
}

// goldenMessages are records whose JSON stands in testdata.
var goldenMessages = map[string]record.Message{
	"empty": {},
	"full": {
		NodeID: "n1", Start: windowStart, End: windowEnd,
		SrcNode: record.Node{
			NodeID: "n1", Name: "a", Addresses: []netip.Addr{netip.MustParseAddr("100.64.0.1")},
			OS: "linux", User: "x", Tags: []string{"t"},
		},
		DstNodes: []record.Node{
			{NodeID: "n2", Name: "b", Addresses: []netip.Addr{netip.MustParseAddr("100.64.0.2"), netip.MustParseAddr("fd7a:115c:a1e0::2")}},
			{NodeID: "n3", Tags: []string{"tag:server", "tag:prod"}},
		},
		VirtualTraffic: []record.ConnectionCounts{
			encodetest.Flow(flowtrack.TCP, "100.64.0.1:22", "100.64.0.2:4000", 1, 40, 1, 40),
			withFlags(encodetest.Flow(flowtrack.TCP, "100.64.0.1:49152", "100.64.0.2:22", 1, 60, 1, 40), tunstats.SYN, tunstats.RST),
			withFlags(encodetest.Flow(flowtrack.TCP, "100.64.0.1:49154", "100.64.0.2:22", 1, 60), tunstats.SYN, 0),
			withFlags(encodetest.Flow(flowtrack.TCP, "100.64.0.1:49156", "100.64.0.2:22", 1, 40, 1, 52), 0, tunstats.FIN),
			encodetest.Flow(flowtrack.UDP, "[fd7a:115c:a1e0::1]:53", "[fd7a:115c:a1e0::2]:53", 0, 0, 1, 1280),
		},
		SubnetTraffic:   []record.ConnectionCounts{encodetest.Flow(flowtrack.ICMPv4, "100.64.0.1:0", "192.168.1.9:0", 2, 168)},
		ExitTraffic:     []record.ConnectionCounts{encodetest.Flow(0, "", "", 3, 120)},
		PhysicalTraffic: []record.ConnectionCounts{encodetest.Flow(0, "100.64.0.2:0", "192.0.2.7:41641", 0, 300, 0, 400)},
		DeniedTraffic:   []record.ConnectionCounts{withFlags(encodetest.Flow(flowtrack.TCP, "100.64.0.1:25", "100.64.0.3:4001", 0, 0, 2, 120), 0, tunstats.SYN)},
		LostPackets:     12,
	},
	"extremes": {
		LostPackets: math.MaxUint64,
		Start:       time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		VirtualTraffic: []record.ConnectionCounts{
			encodetest.Flow(255, "255.255.255.255:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
				math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64),
			encodetest.Flow(0, "[::ffff:192.0.2.1]:1", "[fe80::1%eth0]:1", 1),
			encodetest.Flow(0, "0.0.0.0:0", "[::]:0", 1),
			{},
			withFlags(record.ConnectionCounts{}, 255, 255),
		},
	},
	"hostile strings": {
		NodeID: "\"\\/\b\f\n\r\t\x00\x1f\x7f<>&\u2028\u2029\ufffd\xff\xc3(\U0001f600",
		SrcNode: record.Node{
			Name:      "</script>",
			Addresses: []netip.Addr{{}, netip.MustParseAddr("fe80::1").WithZone("\"]}\x00\xff")},
			Tags:      []string{"", "\r\n", strings.Repeat("\x01", 3)},
		},
		DstNodes: []record.Node{{}, {Addresses: []netip.Addr{}, Tags: []string{}}},
		SubnetTraffic: []record.ConnectionCounts{{Tuple: flowtrack.Tuple{
			Src: netip.AddrPortFrom(netip.Addr{}, 9),
			Dst: netip.AddrPortFrom(netip.MustParseAddr("::ffff:1.2.3.4").WithZone("\n"), 7),
		}}},
	},
}

func TestAppendMessageGolden(t *testing.T) {
	for name, m := range goldenMessages {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", strings.ReplaceAll(name, " ", "_")+".json")
			got := encode(&m) + "\n"
			if *update {
				qt.Assert(t, os.WriteFile(path, []byte(got), 0o644), qt.IsNil)
			}
			want, err := os.ReadFile(path)
			qt.Assert(t, err, qt.IsNil)
			qt.Check(t, got, qt.Equals, string(want))
			qt.Check(t, got, qt.Equals, reference(t, &m)+"\n")
		})
	}
}

func TestAppendMessageUnmarshals(t *testing.T) {
	for _, name := range []string{"empty", "full", "extremes"} {
		t.Run(name, func(t *testing.T) {
			m := goldenMessages[name]
			var back record.Message
			qt.Assert(t, json.Unmarshal([]byte(encode(&m)), &back), qt.IsNil)
			qt.Check(t, encode(&back), qt.Equals, encode(&m))
			qt.Check(t, back.VirtualTraffic, qt.HasLen, len(m.VirtualTraffic))
			for i, c := range m.VirtualTraffic {
				qt.Check(t, back.VirtualTraffic[i], qt.Equals, c)
			}
		})
	}
}

func TestAppendMessageAppends(t *testing.T) {
	prefix := `{"logtail":{},`
	m := goldenMessages["full"]
	got := string(AppendMessage([]byte(prefix), &m))
	qt.Check(t, got, qt.Equals, prefix+strings.TrimSuffix(encode(&m)[1:], "}"))
	qt.Check(t, string(AppendMessage([]byte(prefix), &record.Message{})), qt.Equals, prefix)
}

func TestAppendPeer(t *testing.T) {
	for _, p := range []record.Peer{
		{},
		{PublicKey: "a\"b", Name: "<\u2028\xff", State: record.PeerMoved},
		{
			PublicKey: "mBmUJsJpzfXxbbXxZfm5BzNJJ/mRnEkyQVcz7cTQwkQ=", Name: "laptop", Address: netip.MustParseAddr("fd7a:115c:a1e0::2"),
			Endpoint: netip.MustParseAddrPort("[2001:db8::7]:41641"), State: record.PeerConnected, LastHandshake: windowStart,
		},
	} {
		want := struct {
			NodeID string      `json:"nodeId,omitzero"`
			Event  string      `json:"event"`
			Peer   record.Peer `json:"peer"`
		}{"n1", record.EventPeer, p}
		raw, err := json.Marshal(want)
		qt.Assert(t, err, qt.IsNil)
		got := append(AppendPeer([]byte("{"), "n1", &p), '}')
		qt.Check(t, string(got), qt.Equals, string(raw))
	}
}

func TestAppendMessageAllocs(t *testing.T) {
	m := goldenMessages["hostile strings"]
	full := goldenMessages["full"]
	m.VirtualTraffic, m.Start, m.End, m.DstNodes = full.VirtualTraffic, full.Start, full.End, full.DstNodes
	buf := AppendMessage(nil, &m)
	qt.Check(t, testing.AllocsPerRun(100, func() { buf = AppendMessage(buf[:0], &m) }), qt.Equals, 0.0)
}

func TestSizeLargestFlow(t *testing.T) {
	c := qt.New(t)
	full := netip.MustParseAddrPort("[2001:db88:ffff:ffff:ffff:ffff:ffff:ffff]:65535")
	most := tunstats.Counts{
		TxPackets: math.MaxUint64, TxBytes: math.MaxUint64, RxPackets: math.MaxUint64, RxBytes: math.MaxUint64, TxFlags: 255, RxFlags: 255,
	}
	e := record.ConnectionCounts{Tuple: flowtrack.Tuple{Proto: 255, Src: full, Dst: full}, Counts: most}
	raw, err := json.Marshal(e)
	c.Assert(err, qt.IsNil)
	c.Check(Size(&e), qt.Equals, len(raw)+1)
}

func TestSizeIsUpperBound(t *testing.T) {
	for _, test := range []struct {
		name  string
		flow  record.ConnectionCounts
		slack int
	}{
		{"no member at all", record.ConnectionCounts{}, 120},
		{"IPv4", encodetest.Flow(255, "255.255.255.255:65535", "255.255.255.255:65535", math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64), 0},
		{"IPv6", encodetest.Flow(255, "[ffff:eeee:ffff:eeee:ffff:eeee:ffff:eeee]:65535", "[ffff:eeee:ffff:eeee:ffff:eeee:ffff:eeee]:65535", math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64), 2},
		{"4-in-6", encodetest.Flow(255, "[::ffff:255.255.255.255]:65535", "[::ffff:255.255.255.255]:65535", math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64), 40},
		{"an ordinary flow", encodetest.Flow(flowtrack.TCP, "100.64.0.1:49152", "100.64.12.34:443", 12, 3456, 12, 34567), 20},
		{"its beginning", withFlags(encodetest.Flow(flowtrack.TCP, "100.64.0.1:49152", "100.64.12.34:443", 12, 3456, 12, 34567), 2, 18), 23},
		{"flags alone", withFlags(record.ConnectionCounts{}, 255, 1), 122},
	} {
		t.Run(test.name, func(t *testing.T) {
			size := len(appendTraffic(nil, "", []record.ConnectionCounts{test.flow})) - len("],") + len(",")
			bound := Size(&test.flow)
			qt.Check(t, bound >= size, qt.IsTrue, qt.Commentf("%d bytes, bound %d", size, bound))
			qt.Check(t, bound <= size+test.slack, qt.IsTrue, qt.Commentf("%d bytes, bound %d", size, bound))
		})
	}
}

func TestDigits(t *testing.T) {
	check := func(v uint64) {
		want := len(fmt.Sprint(v))
		qt.Check(t, digits(v) == want || digits(v) == want+1, qt.IsTrue, qt.Commentf("%d", v))
	}
	for bit := range 64 {
		check(1 << bit)
		check(1<<bit - 1)
	}
	for v := uint64(1); v <= math.MaxUint64/10; v *= 10 {
		check(v * 10)
		check(v*10 - 1)
	}
	check(math.MaxUint64)
}

// FuzzEncode checks the encoder against encoding/json on Messages made of the
// fuzzer's bytes.
func FuzzEncode(f *testing.F) {
	for i := range 8 {
		f.Add([]byte(strings.Repeat(string(rune('a'+i))+"\x00<\xff\u2028\n\x06 ", 8*i)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := encodetest.Message(data)
		got := encode(&m)
		qt.Assert(t, got, qt.Equals, reference(t, &m))
		qt.Assert(t, utf8.ValidString(got), qt.IsTrue)
	})
}
