package route_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/racetest"
	"github.com/go-netlog/netlog/internal/route"
	"github.com/go-netlog/netlog/internal/route/routetest"
	"github.com/go-netlog/netlog/internal/route/slow"
)

// randomConfig makes a configuration of up to n routes that nest, touch and cross
// the limits of the rules often.
func randomConfig(r *rand.Rand, n int) *route.Config {
	bases := []netip.Addr{}
	for _, s := range []string{"10.0.0.0", "11.0.0.0", "100.64.0.0", "100.115.92.0", "172.16.0.0", "192.168.0.0", "203.0.113.0", "8.8.8.8", "224.0.0.0",
		"fd7a:115c:a1e0::", "2001::", "2002::", "2600::", "64:ff9b::", "64:ff9b:1::", "fe80::", "::ffff:10.0.0.0", "::ffff:8.8.8.8", "::", "3fff::"} {
		bases = append(bases, netip.MustParseAddr(s))
	}
	prefix := func() netip.Prefix {
		a := bases[r.IntN(len(bases))]
		raw := a.AsSlice()
		free := len(raw)
		if a.Is4In6() {
			free = 4
		}
		for range r.IntN(3) {
			raw[len(raw)-free+r.IntN(free)] ^= byte(r.Uint32())
		}
		a, _ = netip.AddrFromSlice(raw)
		bits := a.BitLen() - r.IntN(a.BitLen()+1)
		switch r.IntN(8) {
		case 0:
			bits = a.BitLen()
		case 1:
			bits = r.IntN(13)
		case 2:
			bits = 200 // invalid
		}
		if a.Is4In6() && bits <= 32 {
			bits += 96
		}
		return netip.PrefixFrom(a, bits)
	}
	list := func(n int) (ps []netip.Prefix) {
		for range r.IntN(n + 1) {
			ps = append(ps, prefix())
		}
		return ps
	}
	cfg := &route.Config{LocalAddrs: list(3), Routes: list(n), SubnetRoutes: list(n)}
	if r.IntN(3) == 0 {
		cfg.VirtualPrefixes = append([]netip.Prefix{}, list(4)...)
	}
	switch r.IntN(4) {
	case 0:
		cfg.Routes = append(cfg.Routes, routetest.Prefixes("0.0.0.0/0 ::/0")...)
	case 1:
		cfg.SubnetRoutes = append(cfg.SubnetRoutes, routetest.Prefixes("0.0.0.0/1 128.0.0.0/1 2000::/4 3000::/4")...)
	}
	return cfg
}

// edgesOf returns the addresses where something may change: the first and the last
// of each prefix, and their neighbours outside.
func edgesOf(cfg *route.Config) (edges []netip.Addr) {
	fixed := routetest.Prefixes("0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 100.115.92.0/23 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 224.0.0.0/3 " +
		"::/0 fc00::/7 fe80::/10 fd7a:115c:a1e0::/48 2000::/3 64:ff9b::/96 64:ff9b:1::/48 2002::/16 2001::/32")
	for _, p := range slices.Concat(fixed, cfg.LocalAddrs, cfg.Routes, cfg.SubnetRoutes, cfg.VirtualPrefixes) {
		if !p.IsValid() {
			continue
		}
		raw := p.Masked().Addr().AsSlice()
		first, _ := netip.AddrFromSlice(raw)
		for i := p.Bits(); i < len(raw)*8; i++ {
			raw[i/8] |= 0x80 >> (i % 8)
		}
		last, _ := netip.AddrFromSlice(raw)
		edges = append(edges, p.Addr(), first, last)
		edges = append(edges, first.Prev(), last.Next()) // invalid past the ends
	}
	return edges
}

func checkAgainstNaive(c *qt.C, cfg *route.Config, addrs []netip.Addr) {
	table, model := route.New(*cfg), slow.New(cfg)
	for _, a := range addrs {
		if got, want := table.Lookup(a), model.Lookup(a); got != want {
			c.Errorf("lookup(%v) = %v, naively %v, under\n%+v", a, got, want, *cfg)
		}
	}
}

func TestLookupAgreesWithModel(t *testing.T) {
	c := qt.New(t)
	rounds := racetest.Rounds(1000)
	if testing.Short() {
		rounds = 100
	}
	for i := range rounds {
		r := rand.New(rand.NewPCG(1, uint64(i)))
		cfg := randomConfig(r, 1+i%20)
		addrs := edgesOf(cfg)
		for range 20 {
			var raw [16]byte
			binary.BigEndian.PutUint64(raw[:], r.Uint64())
			binary.BigEndian.PutUint64(raw[8:], r.Uint64())
			addrs = append(addrs, netip.AddrFrom16(raw), netip.AddrFrom4([4]byte(raw[:])))
		}
		checkAgainstNaive(c, cfg, addrs)
		if t.Failed() {
			return
		}
	}
}

func TestRestrictKnowsWhatBothKnow(t *testing.T) {
	c := qt.New(t)
	for i := range racetest.Rounds(500) {
		r := rand.New(rand.NewPCG(5, uint64(i)))
		one, other := randomConfig(r, 6), randomConfig(r, 6)
		a, b := route.New(*one), route.New(*other)
		both := a.Restrict(b)
		for _, addr := range append(edgesOf(one), edgesOf(other)...) {
			want := a.Lookup(addr)
			if b.Lookup(addr) == route.Unknown {
				want = route.Unknown
			}
			c.Assert(both.Lookup(addr), qt.Equals, want, qt.Commentf("seed %d: %v", i, addr))
		}
	}
}

func TestRestrictBounded(t *testing.T) {
	c := qt.New(t)
	table := func(i int) *route.Table {
		return route.New(route.Config{Routes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.PrefixFrom(netip.AddrFrom4([4]byte{11, byte(i)}), 16)}})
	}
	shared, once := netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("11.0.0.1")
	first := table(0)
	c.Check(first.Restrict(table(0)), qt.Equals, first, qt.Commentf("equal tables"))
	c.Check(first.Equal(first.Restrict(table(1))), qt.IsFalse)

	two := first
	for i := range 100 { // two tables by turns
		two = two.Restrict(table(i % 2))
	}
	c.Check(two.Lookup(shared), qt.Equals, route.Subnet)
	c.Check(two.Lookup(once), qt.Equals, route.Unknown)

	many := first
	for i := range 1 + 16 {
		many = many.Restrict(table(i))
	}
	c.Check(many.Lookup(shared), qt.Equals, route.Subnet)
	for i := range 40 {
		many = many.Restrict(table(17 + i))
		c.Check(many.Lookup(shared), qt.Equals, route.Unknown, qt.Commentf("%d", i))
	}
}

// respell returns cfg with the same routes in other words. A route is split only
// into pieces that are not there already, and never into single addresses, which
// may be nodes: both would say something else, as Config's documentation tells.
func respell(r *rand.Rand, cfg *route.Config) *route.Config {
	seen := map[netip.Prefix]bool{}
	var fields [2][]netip.Prefix // Routes and SubnetRoutes
	var whole []netip.Prefix
	for i, list := range [][]netip.Prefix{cfg.Routes, cfg.SubnetRoutes} {
		for _, p := range list {
			switch {
			case !p.IsValid():
			case slow.Canonical(p).IsSingleIP(): // what it is depends on its field
				fields[i] = append(fields[i], disguise(r, slow.Canonical(p)))
			case !seen[slow.Canonical(p)]:
				whole = append(whole, slow.Canonical(p))
			}
			seen[slow.Canonical(p)] = true
		}
	}
	var split func(p netip.Prefix) []netip.Prefix
	split = func(p netip.Prefix) []netip.Prefix {
		if p.Bits() < p.Addr().BitLen()-1 && r.IntN(9) < 4 {
			a, b := routetest.Halves(p)
			if !seen[a] && !seen[b] && !b.Addr().Is4In6() {
				return append(split(a), split(b)...)
			}
		}
		seen[p] = true
		return []netip.Prefix{p}
	}
	for _, p := range whole {
		for _, p := range split(p) {
			for range 1 + r.IntN(2) {
				i := r.IntN(2)
				fields[i] = append(fields[i], disguise(r, p))
			}
		}
	}
	for _, f := range fields {
		r.Shuffle(len(f), func(i, j int) { f[i], f[j] = f[j], f[i] })
	}
	return &route.Config{LocalAddrs: cfg.LocalAddrs, Routes: fields[0], SubnetRoutes: fields[1], VirtualPrefixes: cfg.VirtualPrefixes}
}

// disguise returns p with host bits, and at times as 4-in-6.
func disguise(r *rand.Rand, p netip.Prefix) netip.Prefix {
	raw, in6 := p.Addr().As16(), 128-p.Addr().BitLen()
	for i := p.Bits() + in6; i < 128; i++ {
		raw[i/8] ^= byte(r.Uint32()) & (0x80 >> (i % 8))
	}
	a := netip.AddrFrom16(raw)
	if p.Addr().Is4() && r.IntN(2) == 0 {
		return netip.PrefixFrom(a.Unmap(), p.Bits())
	}
	return netip.PrefixFrom(a, p.Bits()+in6)
}

func TestNewSpellingChangesNothing(t *testing.T) {
	c := qt.New(t)
	changed := 0
	for i := range racetest.Rounds(3000) {
		r := rand.New(rand.NewPCG(2, uint64(i)))
		cfg := randomConfig(r, 1+i%10)
		other := respell(r, cfg)
		if !route.New(*cfg).Equal(route.New(*other)) {
			c.Fatalf("seed %d: %+v\ndoes not say the same as\n%+v", i, *cfg, *other)
		}
		if fmt.Sprint(cfg.Routes) != fmt.Sprint(other.Routes) {
			changed++
		}
	}
	c.Check(changed > racetest.Rounds(1000), qt.IsTrue, qt.Commentf("only %d differ", changed))
}

// Where no layer is set aside, more specific routes say nothing new.
func TestNewOverlapsWithoutDefaultRoute(t *testing.T) {
	c := qt.New(t)
	one := route.New(route.Config{Routes: routetest.Prefixes("198.51.100.0/22 12.0.0.0/8 10.0.0.0/8")})
	two := route.New(route.Config{
		Routes:       routetest.Prefixes("198.51.100.0/23 198.51.102.0/23 198.51.100.0/22 198.51.103.128/25 12.128.0.0/9 10.0.0.0/9 10.64.0.0/10"),
		SubnetRoutes: routetest.Prefixes("12.0.0.0/8 12.3.0.0/16 10.128.0.0/9"),
	})
	c.Check(one.Equal(two), qt.IsTrue)
}

// FuzzLookup reads a configuration and addresses from raw bytes.
func FuzzLookup(f *testing.F) {
	for i := range uint64(20) {
		r := rand.New(rand.NewPCG(3, i))
		raw := make([]byte, 18*(1+i%7))
		for j := range raw {
			raw[j] = byte(r.Uint32())
		}
		f.Add(raw, raw[:8], i%2 == 0)
	}
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x01\x01\x80\x00\x00\x00\x01\x18\xcb\x00\x71\x00"), []byte("\xcb\x00\x71\x09"), true)
	f.Fuzz(func(t *testing.T, config, addr []byte, nodes bool) {
		if len(config) > 400 {
			return
		}
		checkAgainstNaive(qt.New(t), configFromBytes(config, nodes), append(edgesOf(configFromBytes(config, nodes)), addrFromBytes(addr)))
	})
}

// configFromBytes reads prefixes as a byte for the field and the family, one for
// the bits, and the bytes of the address.
func configFromBytes(b []byte, nodes bool) *route.Config {
	cfg := new(route.Config)
	fields := []*[]netip.Prefix{&cfg.LocalAddrs, &cfg.Routes, &cfg.SubnetRoutes, &cfg.VirtualPrefixes}
	if !nodes {
		fields = fields[:3]
	}
	for len(b) >= 2 {
		kind, bits := b[0], int(b[1])
		size := []int{4, 16}[kind>>7]
		a := addrFromBytes(b[2:min(len(b), 2+size)])
		field := fields[int(kind&0x7f)%len(fields)]
		*field = append(*field, netip.PrefixFrom(a, bits))
		b = b[min(len(b), 2+size):]
	}
	return cfg
}

func addrFromBytes(b []byte) netip.Addr {
	if len(b) <= 4 {
		var raw [4]byte
		copy(raw[:], b)
		return netip.AddrFrom4(raw)
	}
	var raw [16]byte
	copy(raw[:], b)
	return netip.AddrFrom16(raw)
}

func TestLookupAllocs(t *testing.T) {
	c := qt.New(t)
	table := route.New(route.Config{LocalAddrs: routetest.Prefixes("10.0.0.2/24 fd00::2/64"), Routes: routetest.Prefixes("0.0.0.0/0 ::/0")})
	f, f6 := flowOf("10.0.0.2", "::ffff:8.8.8.8"), flowOf("fd00::2", "fd00::3%eth0")
	c.Check(testing.AllocsPerRun(100, func() {
		table.Lookup(f.Src.Addr())
		class(table, f)
		class(table, f6)
	}), qt.Equals, 0.0)
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprintf("prefixes=%d", n), func(b *testing.B) {
			cfg, addrs := routetest.Many(n)
			table := route.New(cfg)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				table.Lookup(addrs[i])
				if i++; i == len(addrs) {
					i = 0
				}
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	for _, n := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprintf("prefixes=%d", n), func(b *testing.B) {
			cfg, _ := routetest.Many(n)
			b.ReportAllocs()
			for b.Loop() {
				route.New(cfg)
			}
		})
	}
}
