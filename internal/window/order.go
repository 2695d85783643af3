package window

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/go-netlog/netlog/tunstats"
)

// sortKey represents the entry at index of the pool while sorting. major and minor
// decide nearly every comparison. Sorting such small keys is several times faster
// than sorting the entries.
type sortKey struct {
	major, minor uint64
	index        int32
}

// sortPool sets w.order to the keys of all entries, sorted by key, then by Tuple, then by Counts: two
// flows that differ in their zones have one Tuple.
func (w *Traffic) sortPool(key func(*entry) (major, minor uint64)) {
	w.order = slices.Grow(w.order[:0], len(w.pool))
	for i := range w.pool {
		major, minor := key(&w.pool[i])
		w.order = append(w.order, sortKey{major, minor, int32(i)})
	}
	slices.SortFunc(w.order, func(a, b sortKey) int {
		switch {
		case a.major != b.major:
			return cmp.Compare(a.major, b.major)
		case a.minor != b.minor:
			return cmp.Compare(a.minor, b.minor)
		}
		e, f := &w.pool[a.index], &w.pool[b.index]
		if c := e.Compare(f.Tuple); c != 0 {
			return c
		}
		return compareCounts(&e.Counts, &f.Counts)
	})
}

func compareCounts(c, d *tunstats.Counts) int {
	return cmp.Or(
		cmp.Compare(c.TxPackets, d.TxPackets), cmp.Compare(c.TxBytes, d.TxBytes), cmp.Compare(c.RxPackets, d.RxPackets),
		cmp.Compare(c.RxBytes, d.RxBytes), cmp.Compare(c.TxFlags, d.TxFlags), cmp.Compare(c.RxFlags, d.RxFlags),
	)
}

// byTuple packs the first 16 bytes of what Tuple.Compare compares.
func byTuple(e *entry) (major, minor uint64) {
	dst, more := sideKey(e.Dst)
	if e.Dst.Addr().BitLen() == 128 {
		return dst, more
	}
	src, _ := sideKey(e.Src)
	if e.Src.Addr().BitLen() != 128 {
		src |= uint64(e.Proto)
	}
	return dst, src
}

// sideKey returns numbers in the order of AddrPort.Compare: by family, then by address.
// For IPv4 the first number holds everything, with its low byte zero.
func sideKey(a netip.AddrPort) (key, more uint64) {
	switch ip := a.Addr(); ip.BitLen() {
	case 0:
		return uint64(a.Port()) << 8, 0
	case 32:
		b := ip.As4()
		return 1<<56 | uint64(binary.BigEndian.Uint32(b[:]))<<24 | uint64(a.Port())<<8, 0
	default:
		b := ip.As16()
		hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
		return 2<<56 | hi>>8, hi<<56 | lo>>8
	}
}
