package format

import (
	"net/netip"
	"slices"
)

// addresses is a set of addresses. A search costs one lookup for each length of its prefixes, however many
// they are. The zero set is empty.
type addresses struct {
	prefixes map[netip.Prefix]bool // as flowtable.ParsePrefix returns them
	lengths  []int                 // in bits, of all prefixes, each once
}

// add adds the addresses of p. An invalid p has none.
func (s *addresses) add(p netip.Prefix) {
	if !p.IsValid() {
		return
	}
	if s.prefixes == nil {
		s.prefixes = make(map[netip.Prefix]bool)
	}
	s.prefixes[p] = true
	if !slices.Contains(s.lengths, p.Bits()) {
		s.lengths = append(s.lengths, p.Bits())
	}
}

// contains reports whether a prefix contains a, as [flowtable.Contains] does.
func (s *addresses) contains(a netip.Addr) bool {
	a = a.Unmap()
	for _, n := range s.lengths {
		if p, err := a.Prefix(n); err == nil && s.prefixes[p] { // p has no zone
			return true
		}
	}
	return false
}
