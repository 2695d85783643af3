package doubleentry

import (
	"math"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/tunstats"
)

// sentBy and receivedBy return a side that reports a direction.
func sentBy(pkts, bytes uint64) sum {
	return sum{reported: true, all: tunstats.Counts{TxPackets: pkts, TxBytes: bytes}}
}

func receivedBy(pkts, bytes uint64) sum {
	return sum{reported: true, all: tunstats.Counts{RxPackets: pkts, RxBytes: bytes}}
}

func TestDisagreementBytes(t *testing.T) {
	edge := tunstats.Counts{TxPackets: 1, TxBytes: 10, RxPackets: 1, RxBytes: 9}
	for _, test := range []struct {
		name     string
		from, to sum
		edge     tunstats.Counts // of both
		want     string
	}{
		{"a lost packet of the largest size", sentBy(10, 70_000), receivedBy(9, 70_000-math.MaxUint16), tunstats.Counts{}, ""},
		{"more than a packet can hold", sentBy(10, 70_000), receivedBy(9, 70_000-math.MaxUint16-1), tunstats.Counts{}, "bytes differ"},
		{"bytes without a packet", sentBy(10, 100), receivedBy(10, 99), tunstats.Counts{}, "bytes differ"},
		{"bytes at an edge", sentBy(10, 100), receivedBy(10, 99), edge, ""},
	} {
		test.from.edge, test.to.edge = test.edge, test.edge
		d := direction{from: &test.from, to: &test.to}
		qt.Check(t, d.disagreement(20), qt.Equals, test.want, qt.Commentf("%s", test.name))
	}
}

// TestDisagreementUncounted checks that what a side could not count explains as many packets that it does not report,
// with as many bytes as they can have, and no more.
func TestDisagreementUncounted(t *testing.T) {
	const more, less, bytes = "received more than sent", "received less than sent", "bytes differ"
	for _, test := range []struct {
		name         string
		lostS, lostR uint64
		from, to     sum
		want         string
	}{
		{"the sender counted fewer", 1, 0, sentBy(10, 1000), receivedBy(138, 70_000), ""},
		{"fewer than that", 1, 0, sentBy(10, 1000), receivedBy(139, 70_000), more},
		{"the receiver lost, but received more", 0, 1, sentBy(10, 1000), receivedBy(11, 1100), more},
		{"the receiver counted fewer", 0, 1, sentBy(138, 70_000), receivedBy(10, 1000), ""},
		{"fewer than that", 0, 1, sentBy(139, 70_000), receivedBy(10, 1000), less},
		{"the sender lost, but sent more", 1, 0, sentBy(100, 1000), receivedBy(10, 1000), less},
		{"other packets of the same number", 1, 1, sentBy(10, 1000), receivedBy(10, 900), ""},
		{"with more bytes than these can have", 1, 1, sentBy(10, 1<<20), receivedBy(10, 1<<20-256<<10-1), bytes},
		{"bytes that one packet can have", 1, 0, sentBy(10, 1000), receivedBy(10, 1000+128<<10), ""},
		{"more bytes", 1, 0, sentBy(10, 1000), receivedBy(10, 1001+128<<10), more},
		{"a lost packet with more bytes", 1, 0, sentBy(20, 1<<20), receivedBy(19, 1<<20-math.MaxUint16-128<<10-1), bytes},
		{"the sender has nothing", 1, 0, sum{}, receivedBy(10, 1000), ""},
		{"the receiver has nothing", 0, 1, sentBy(10, 1000), sum{}, ""},
		{"a number that would overflow", math.MaxUint64, math.MaxUint64, sentBy(math.MaxUint64, 0), receivedBy(1, 0), ""},
	} {
		test.from.nodes, test.to.nodes = []*node{{lost: test.lostS}}, []*node{{lost: test.lostR}}
		d := direction{from: &test.from, to: &test.to}
		qt.Check(t, d.disagreement(5), qt.Equals, test.want, qt.Commentf("%s", test.name))
	}
}

func TestSharePercentRoundsUp(t *testing.T) {
	for _, test := range []struct {
		share
		want int
	}{
		{share{0, 0}, 0}, {share{0, 5}, 0}, {share{5, 5}, 100},
		{share{1, 1 << 40}, 1}, {share{1, 100}, 1}, {share{7, 100}, 7}, {share{71, 1000}, 8}, {share{1, 2}, 50},
		{share{99, 100}, 99}, {share{999, 1000}, 99}, {share{math.MaxUint64 - 1, math.MaxUint64}, 99}, // all is all
	} {
		qt.Check(t, test.percent(), qt.Equals, test.want, qt.Commentf("%v", test.share))
	}
}
