package format

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
)

// TestAddressesLikePrefixes compares sets with a search through their prefixes.
func TestAddressesLikePrefixes(t *testing.T) {
	words := []string{
		"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/23", "10.1.2.3", "10.1.2.4", "255.255.255.255", "::ffff:10.1.2.0/120",
		"::/0", "::/90", "::ffff:0:0/96", "fd7a::/48", "fd7a::1", "fd7a::1%eth0", "fe80::/10", "ffff::/16",
	}
	addrs := []netip.Addr{{}}
	for _, s := range append([]string{"9.255.255.255", "11.0.0.0", "10.1.3.255", "10.1.4.0", "10.2.0.0", "::", "::1", "fd7a:0:1::", "fd79::", "fe80::1%eth0"}, words...) {
		a, err := netip.ParseAddr(strings.Split(s, "/")[0])
		qt.Assert(t, err, qt.IsNil)
		addrs = append(addrs, a)
		if a.Is4() {
			addrs = append(addrs, netip.AddrFrom16(a.As16()), netip.AddrFrom16(a.As16()).WithZone("eth0"))
		}
	}
	prefixes := []netip.Prefix{{}}
	for _, s := range words {
		p, ok := flowtable.ParsePrefix(s)
		qt.Assert(t, ok, qt.IsTrue)
		prefixes = append(prefixes, p)
	}
	check := func(given ...netip.Prefix) {
		var set addresses
		for _, p := range given {
			set.add(p)
		}
		for _, a := range addrs {
			want := slices.ContainsFunc(given, func(p netip.Prefix) bool { return flowtable.Contains(p, a) })
			qt.Check(t, set.contains(a), qt.Equals, want, qt.Commentf("%v in %v", a, given))
		}
	}
	check()
	for _, p := range prefixes {
		for _, q := range prefixes {
			check(p, q)
		}
	}
}

// TestFmtExcludeRouter removes a router with all hosts behind it from the records of another node. The router also
// reports a total, which has no address: totals of other nodes stay.
func TestFmtExcludeRouter(t *testing.T) {
	const hosts = 10_000
	host := func(i int) string { return fmt.Sprintf("10.0.%d.%d:1", i>>8, i&255) }
	router := list(hosts+1, `{"logtail":{"id":"r"},"nodeId":"router","subnetTraffic":[`, func(i int) string {
		if i == hosts {
			return `{"txPkts":1}`
		}
		return fmt.Sprintf(`{"src":%q,"dst":"100.64.0.2:2","rxPkts":1}`, host(i))
	})
	const stays, total = `{"src":"100.64.0.2:2","dst":"100.64.0.3:1","txPkts":1}`, `"exitTraffic":[{"txPkts":3}]`
	other := list(hosts+1, `{"logtail":{"id":"n"},`+total+`,"subnetTraffic":[`, func(i int) string {
		if i == hosts {
			return stays
		}
		return fmt.Sprintf(`{"src":"100.64.0.2:2","dst":%q,"txPkts":1}`, host(i))
	})
	path := filepath.Join(t.TempDir(), "flows.ndjson")
	qt.Assert(t, os.WriteFile(path, []byte(router+other), 0o600), qt.IsNil)
	code, out, errs := clitest.Run(t, run, "", "fmt", "-json", "-exclude", "router", path)
	qt.Check(t, code, qt.Equals, cli.ExitOK)
	qt.Check(t, out, qt.Equals, `{"subnetTraffic":[`+stays+`],`+total+`,"logtail":{"id":"n"}}`+"\n")
	qt.Check(t, strings.HasSuffix(errs, ": 1 record lost flows or nodes, 1 left out\n"), qt.IsTrue)
}

// BenchmarkExclude removes a router with this many hosts from a record of another node, which has a flow
// to each host.
func BenchmarkExclude(b *testing.B) {
	for _, hosts := range []int{1, 1 << 10, 1 << 16} {
		b.Run(fmt.Sprintf("hosts=%d", hosts), func(b *testing.B) {
			host := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
			flows := make([]record.ConnectionCounts, hosts)
			for i := range flows {
				flows[i].Tuple = flowtrack.Tuple{Src: netip.AddrPortFrom(netip.AddrFrom4([4]byte{100, 64, 0, 1}), 1), Dst: netip.AddrPortFrom(host(i), 2)}
			}
			for b.Loop() {
				var x excluder
				for i := range hosts {
					x.addAddress(host(i))
				}
				rec := new(records.Record)
				rec.VirtualTraffic = append(rec.VirtualTraffic, flows...)
				if !x.apply(rec) || len(rec.VirtualTraffic) > 0 {
					b.Fatal("flows are left")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(hosts), "ns/host")
		})
	}
}
