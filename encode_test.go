package netlog

import (
	"encoding/json"
	"flag"
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
	"github.com/go-netlog/netlog/tunstats"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// encode returns m as the encoder writes it, with braces.
func encode(m *Message) string {
	return string(append(appendMessage([]byte{'{'}, m), '}'))
}

// reference returns m as encoding/json writes it.
func reference(t testing.TB, m *Message) string {
	t.Helper()
	want, err := json.Marshal(m)
	qt.Assert(t, err, qt.IsNil)
	return string(want)
}

func conn(proto flowtrack.Proto, src, dst string, counts ...uint64) ConnectionCounts {
	var c ConnectionCounts
	c.Proto = proto
	if src != "" {
		c.Src = netip.MustParseAddrPort(src)
	}
	if dst != "" {
		c.Dst = netip.MustParseAddrPort(dst)
	}
	for i, n := range counts {
		*[]*uint64{&c.TxPackets, &c.TxBytes, &c.RxPackets, &c.RxBytes}[i] = n
	}
	return c
}

var (
	windowStart = time.Date(2026, 11, 22, 10, 0, 0, 1, time.UTC)
	windowEnd   = time.Date(2026, 11, 22, 10, 0, 5, 0, time.UTC)
)

// goldenMessages are records whose JSON stands in testdata/record.
var goldenMessages = map[string]Message{
	"empty": {},
	"full": {
		NodeID: "n1", Start: windowStart, End: windowEnd,
		SrcNode: Node{
			NodeID: "n1", Name: "a", Addresses: []netip.Addr{netip.MustParseAddr("100.64.0.1")},
			OS: "linux", User: "x", Tags: []string{"t"},
		},
		DstNodes: []Node{
			{NodeID: "n2", Name: "b", Addresses: []netip.Addr{netip.MustParseAddr("100.64.0.2"), netip.MustParseAddr("fd7a:115c:a1e0::2")}},
			{NodeID: "n3", Tags: []string{"tag:server", "tag:prod"}},
		},
		VirtualTraffic: []ConnectionCounts{
			conn(flowtrack.TCP, "100.64.0.1:22", "100.64.0.2:4000", 1, 40, 1, 40),
			conn(flowtrack.UDP, "[fd7a:115c:a1e0::1]:53", "[fd7a:115c:a1e0::2]:53", 0, 0, 1, 1280),
		},
		SubnetTraffic:   []ConnectionCounts{conn(flowtrack.ICMPv4, "100.64.0.1:0", "192.168.1.9:0", 2, 168)},
		ExitTraffic:     []ConnectionCounts{conn(0, "", "", 3, 120)},
		PhysicalTraffic: []ConnectionCounts{conn(0, "100.64.0.2:0", "192.0.2.7:41641", 0, 300, 0, 400)},
	},
	"extremes": {
		Start: time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		VirtualTraffic: []ConnectionCounts{
			conn(255, "255.255.255.255:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
				math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64),
			conn(0, "[::ffff:192.0.2.1]:1", "[fe80::1%eth0]:1", 1),
			conn(0, "0.0.0.0:0", "[::]:0", 1),
			{},
		},
	},
	"hostile strings": {
		NodeID: "\"\\/\b\f\n\r\t\x00\x1f\x7f<>&\u2028\u2029\ufffd\xff\xc3(\U0001f600",
		SrcNode: Node{
			Name:      "</script>",
			Addresses: []netip.Addr{{}, netip.MustParseAddr("fe80::1").WithZone("\"]}\x00\xff")},
			Tags:      []string{"", "\r\n", strings.Repeat("\x01", 3)},
		},
		DstNodes: []Node{{}, {Addresses: []netip.Addr{}, Tags: []string{}}},
		SubnetTraffic: []ConnectionCounts{{Tuple: flowtrack.Tuple{
			Src: netip.AddrPortFrom(netip.Addr{}, 9),
			Dst: netip.AddrPortFrom(netip.MustParseAddr("::ffff:1.2.3.4").WithZone("\n"), 7),
		}}},
	},
}

func TestRecordsAreWrittenAsTheGoldenFiles(t *testing.T) {
	for name, m := range goldenMessages {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", "record", strings.ReplaceAll(name, " ", "_")+".json")
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

func TestRecordsUnmarshalIntoTheSameMessage(t *testing.T) {
	for _, name := range []string{"empty", "full", "extremes"} {
		t.Run(name, func(t *testing.T) {
			m := goldenMessages[name]
			var back Message
			qt.Assert(t, json.Unmarshal([]byte(encode(&m)), &back), qt.IsNil)
			qt.Check(t, encode(&back), qt.Equals, encode(&m))
			qt.Check(t, back.VirtualTraffic, qt.HasLen, len(m.VirtualTraffic))
			for i, c := range m.VirtualTraffic {
				qt.Check(t, back.VirtualTraffic[i], qt.Equals, c)
			}
		})
	}
}

func TestMembersFollowWhatIsInTheBufferAlready(t *testing.T) {
	prefix := `{"logtail":{},`
	m := goldenMessages["full"]
	got := string(appendMessage([]byte(prefix), &m))
	qt.Check(t, got, qt.Equals, prefix+strings.TrimSuffix(encode(&m)[1:], "}"))
	qt.Check(t, string(appendMessage([]byte(prefix), &Message{})), qt.Equals, prefix)
}

func TestEncodingDoesNotAllocate(t *testing.T) {
	m := goldenMessages["hostile strings"]
	full := goldenMessages["full"]
	m.VirtualTraffic, m.Start, m.End, m.DstNodes = full.VirtualTraffic, full.Start, full.End, full.DstNodes
	buf := appendMessage(nil, &m)
	qt.Check(t, testing.AllocsPerRun(100, func() { buf = appendMessage(buf[:0], &m) }), qt.Equals, 0.0)
}

// FuzzEncode checks the encoder against encoding/json on Messages made of the
// fuzzer's bytes.
func FuzzEncode(f *testing.F) {
	for i := range 8 {
		f.Add([]byte(strings.Repeat(string(rune('a'+i))+"\x00<\xff\u2028\n\x06 ", 8*i)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := (*source)(&data).message()
		got := encode(&m)
		qt.Assert(t, got, qt.Equals, reference(t, &m))
		qt.Assert(t, utf8.ValidString(got), qt.IsTrue)
	})
}

// source makes values of the bytes it holds, and zero values once they are used up.
type source []byte

func (s *source) bytes(n int) []byte {
	n = min(n, len(*s))
	b := (*s)[:n]
	*s = (*s)[n:]
	return b
}

func (s *source) byte() byte {
	for _, b := range s.bytes(1) {
		return b
	}
	return 0
}

func (s *source) uint64() (v uint64) {
	for _, b := range s.bytes(int(s.byte() % 9)) {
		v = v<<8 | uint64(b)
	}
	return v
}

func (s *source) string() string { return string(s.bytes(int(s.byte() % 40))) }

func (s *source) addr4() netip.Addr {
	var a [4]byte
	copy(a[:], s.bytes(4))
	return netip.AddrFrom4(a)
}

func (s *source) addr6() netip.Addr {
	var a [16]byte
	copy(a[:], s.bytes(16))
	return netip.AddrFrom16(a)
}

func (s *source) addr() netip.Addr {
	switch s.byte() % 5 {
	case 0:
		return s.addr4()
	case 1:
		return s.addr6()
	case 2:
		return s.addr6().WithZone(s.string())
	case 3:
		return netip.AddrFrom16(s.addr4().As16()).WithZone(s.string())
	}
	return netip.Addr{}
}

func (s *source) addrPort() netip.AddrPort { return netip.AddrPortFrom(s.addr(), uint16(s.uint64())) }

// time returns one of the times that encoding/json can write.
func (s *source) time() time.Time {
	if s.byte()%4 == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s.uint64()%200e9)-60e9, int64(s.uint64()%1e9)).UTC()
}

// list returns up to seven values, nil for none, and the empty list too.
func list[T any](s *source, value func() T) []T {
	n := s.byte() % 9
	if n == 8 {
		return []T{}
	}
	var l []T
	for range n {
		l = append(l, value())
	}
	return l
}

func (s *source) node() Node {
	return Node{
		NodeID: s.string(), Name: s.string(), OS: s.string(), User: s.string(),
		Addresses: list(s, s.addr), Tags: list(s, s.string),
	}
}

func (s *source) flow() ConnectionCounts {
	return ConnectionCounts{
		Tuple:  flowtrack.Tuple{Proto: flowtrack.Proto(s.byte()), Src: s.addrPort(), Dst: s.addrPort()},
		Counts: tunstats.Counts{TxPackets: s.uint64(), TxBytes: s.uint64(), RxPackets: s.uint64(), RxBytes: s.uint64()},
	}
}

func (s *source) message() Message {
	return Message{
		NodeID: s.string(), Start: s.time(), End: s.time(),
		VirtualTraffic: list(s, s.flow), SubnetTraffic: list(s, s.flow),
		ExitTraffic: list(s, s.flow), PhysicalTraffic: list(s, s.flow),
		SrcNode: s.node(), DstNodes: list(s, s.node),
	}
}
