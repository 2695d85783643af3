package flowtrack_test

import (
	"cmp"
	"encoding/json"
	"net/netip"
	"testing"

	qt "github.com/frankban/quicktest"
	"github.com/go-netlog/netlog/flowtrack"
)

var (
	a4 = netip.MustParseAddrPort("192.0.2.1:80")
	b4 = netip.MustParseAddrPort("198.51.100.7:49152")
	a6 = netip.MustParseAddrPort("[2001:db8::1]:443")
)

// tuple returns a Tuple. An empty string is an unknown side.
func tuple(proto flowtrack.Proto, src, dst string) flowtrack.Tuple {
	t := flowtrack.Tuple{Proto: proto}
	if src != "" {
		t.Src = netip.MustParseAddrPort(src)
	}
	if dst != "" {
		t.Dst = netip.MustParseAddrPort(dst)
	}
	return t
}

func TestTupleString(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   flowtrack.Tuple
		want string
	}{
		{"zero", flowtrack.Tuple{}, "unknown ? -> ?"},
		{"IPv4", flowtrack.Tuple{Proto: flowtrack.TCP, Src: a4, Dst: b4}, "TCP 192.0.2.1:80 -> 198.51.100.7:49152"},
		{"IPv6", flowtrack.Tuple{Proto: flowtrack.UDP, Src: a6, Dst: a6}, "UDP [2001:db8::1]:443 -> [2001:db8::1]:443"},
		{"one side unknown", flowtrack.Tuple{Src: a4}, "unknown 192.0.2.1:80 -> ?"},
		{"protocol without a name", flowtrack.Tuple{Proto: 253, Src: a4, Dst: b4}, "proto-253 192.0.2.1:80 -> 198.51.100.7:49152"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			qt.Check(t, tt.in.String(), qt.Equals, tt.want)
		})
	}
}

func TestTupleJSON(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   flowtrack.Tuple
		want string
	}{
		{"unknown fields are left out", flowtrack.Tuple{}, `{}`},
		{"all fields", flowtrack.Tuple{Proto: 6, Src: a4, Dst: a6}, `{"proto":6,"src":"192.0.2.1:80","dst":"[2001:db8::1]:443"}`},
		{"one side", flowtrack.Tuple{Dst: b4}, `{"dst":"198.51.100.7:49152"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := qt.New(t)
			got, err := json.Marshal(tt.in)
			c.Assert(err, qt.IsNil)
			c.Check(string(got), qt.Equals, tt.want)
			var back flowtrack.Tuple
			c.Assert(json.Unmarshal(got, &back), qt.IsNil)
			c.Check(back, qt.Equals, tt.in)
		})
	}
}

// TestTupleBesideCounts checks that an embedded Tuple does not hide the fields beside it, as it would
// with a MarshalJSON method.
func TestTupleBesideCounts(t *testing.T) {
	entry := struct {
		flowtrack.Tuple
		Packets int `json:"packets"`
	}{flowtrack.Tuple{Proto: 1}, 7}
	got, err := json.Marshal(entry)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, string(got), qt.Equals, `{"proto":1,"packets":7}`)
}

func TestTupleWithoutPorts(t *testing.T) {
	for _, tt := range []struct {
		name     string
		in, want flowtrack.Tuple
	}{
		{"zero", flowtrack.Tuple{}, flowtrack.Tuple{}},
		{"IPv4 and IPv6", flowtrack.Tuple{Proto: 6, Src: a4, Dst: a6}, tuple(6, "192.0.2.1:0", "[2001:db8::1]:0")},
		{"one side unknown", flowtrack.Tuple{Proto: 17, Dst: b4}, tuple(17, "", "198.51.100.7:0")},
		{"zone", tuple(17, "[fe80::1%eth0]:5", "[::ffff:192.0.2.1]:6"), tuple(17, "[fe80::1%eth0]:0", "[::ffff:192.0.2.1]:0")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			qt.Check(t, tt.in.WithoutPorts(), qt.Equals, tt.want)
		})
	}
}

func TestTupleCompare(t *testing.T) {
	ordered := []flowtrack.Tuple{
		{},
		tuple(6, "", ""),
		tuple(0, "[2001:db8::1]:9", ""), // destination before source
		tuple(17, "", "9.0.0.0:1"),
		tuple(6, "192.0.2.1:2", "9.0.0.0:1"),
		tuple(1, "192.0.2.1:3", "9.0.0.0:1"), // source before protocol
		tuple(6, "192.0.2.1:3", "9.0.0.0:1"),
		tuple(6, "[2001:db8::1]:1", "9.0.0.0:1"),
		tuple(6, "", "9.0.0.0:10"),
		tuple(6, "", "10.0.0.0:1"), // by value, not by text
		tuple(6, "", "[::1]:1"),    // IPv6 after IPv4
		tuple(6, "", "[::ffff:1.2.3.4]:1"),
		tuple(6, "", "[fe80::1]:1"),
		tuple(6, "", "[fe80::1%eth0]:1"),
	}
	for i, a := range ordered {
		for j, b := range ordered {
			qt.Check(t, a.Compare(b), qt.Equals, cmp.Compare(i, j), qt.Commentf("%v and %v", a, b))
		}
	}
}

// TestProtoString checks that each number has a different name.
func TestProtoString(t *testing.T) {
	c := qt.New(t)
	seen := make(map[string]flowtrack.Proto)
	for p := range 256 {
		p := flowtrack.Proto(p)
		other, ok := seen[p.String()]
		c.Check(ok, qt.IsFalse, qt.Commentf("%d and %d are both %s", p, other, p))
		seen[p.String()] = p
	}
	for name, p := range map[string]flowtrack.Proto{
		"unknown": 0, "ICMPv4": 1, "IGMP": 2, "IPv4": 4, "TCP": 6, "UDP": 17, "DCCP": 33, "IPv6": 41, "GRE": 47,
		"ESP": 50, "AH": 51, "ICMPv6": 58, "OSPF": 89, "SCTP": 132, "UDPLite": 136, "proto-255": 255,
	} {
		c.Check(seen[name], qt.Equals, p)
	}
}
