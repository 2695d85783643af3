// Package routetest makes routes for tests.
package routetest

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strings"

	"github.com/go-netlog/netlog/internal/route"
)

// Prefixes parses prefixes separated by spaces. A prefix that ends in x becomes an
// invalid one.
func Prefixes(s string) (list []netip.Prefix) {
	for f := range strings.FieldsSeq(s) {
		addr, invalid := strings.CutSuffix(f, "x")
		if !invalid {
			list = append(list, netip.MustParsePrefix(f))
			continue
		}
		addr, _, _ = strings.Cut(addr, "/")
		a, _ := netip.ParseAddr(addr)
		list = append(list, netip.PrefixFrom(a, 999))
	}
	return list
}

// Many returns a Config with n separate routes of each family, and addresses inside
// them in random order.
func Many(n int) (route.Config, []netip.Addr) {
	r := rand.New(rand.NewPCG(4, uint64(n)))
	cfg := route.Config{LocalAddrs: Prefixes("100.64.0.1/32 fd7a:115c:a1e0::1/128")}
	addrs := make([]netip.Addr, 0, 2*n)
	for i := range n {
		var raw [16]byte
		copy(raw[:], netip.MustParseAddr("fd7a:115c:a1e0::").AsSlice())
		binary.BigEndian.PutUint32(raw[12:], 100<<24|64<<16|uint32(i*2+1)*(1<<22/uint32(2*n+1)))
		v4, v6 := netip.AddrFrom4([4]byte(raw[12:])), netip.AddrFrom16(raw)
		cfg.Routes = append(cfg.Routes, netip.PrefixFrom(v4, 32), netip.PrefixFrom(v6, 128))
		addrs = append(addrs, v4, v6)
	}
	r.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	return cfg, addrs
}

// Halves returns the two halves of p, which has at least two addresses.
func Halves(p netip.Prefix) (a, b netip.Prefix) {
	a = netip.PrefixFrom(p.Masked().Addr(), p.Bits()+1)
	raw := a.Addr().AsSlice()
	raw[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	upper, _ := netip.AddrFromSlice(raw)
	return a, netip.PrefixFrom(upper, p.Bits()+1)
}
