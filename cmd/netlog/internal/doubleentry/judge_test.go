package doubleentry

import (
	"math"
	"testing"

	qt "github.com/frankban/quicktest"
)

func TestJudgeBytes(t *testing.T) {
	for _, test := range []struct {
		name       string
		sent, recv half
		found      bool
	}{
		{"a lost packet of the largest size", half{pkts: 10, bytes: 70_000}, half{pkts: 9, bytes: 70_000 - math.MaxUint16}, false},
		{"more than a packet can hold", half{pkts: 10, bytes: 70_000}, half{pkts: 9, bytes: 70_000 - math.MaxUint16 - 1}, true},
		{"bytes without a packet", half{pkts: 10, bytes: 100}, half{pkts: 10, bytes: 99}, true},
		{"bytes at an edge", half{pkts: 10, bytes: 100, edgeP: 1, edgeB: 10}, half{pkts: 10, bytes: 99, edgeP: 1, edgeB: 9}, false},
	} {
		b := newBooks(Options{})
		b.Loss, b.nodes = 20, []*node{{id: "a"}}
		test.sent.nodes, test.recv.nodes = []uint32{0}, []uint32{0}
		qt.Check(t, b.judge(&direction{sent: test.sent, recv: test.recv}, ""), qt.Equals, test.found, qt.Commentf("%s", test.name))
	}
}

// TestJudgeUncounted checks that what a side could not count explains as many packets that it does not report,
// with as many bytes as they can have, and no more.
func TestJudgeUncounted(t *testing.T) {
	for _, test := range []struct {
		name             string
		lostS, lostR     uint64
		sent, recv       half
		sIsThere, rIsToo bool
		found            bool
	}{
		{"the sender counted fewer", 1, 0, half{pkts: 10, bytes: 1000}, half{pkts: 138, bytes: 70_000}, true, true, false},
		{"fewer than that", 1, 0, half{pkts: 10, bytes: 1000}, half{pkts: 139, bytes: 70_000}, true, true, true},
		{"the receiver lost, but received more", 0, 1, half{pkts: 10, bytes: 1000}, half{pkts: 11, bytes: 1100}, true, true, true},
		{"the receiver counted fewer", 0, 1, half{pkts: 138, bytes: 70_000}, half{pkts: 10, bytes: 1000}, true, true, false},
		{"fewer than that", 0, 1, half{pkts: 139, bytes: 70_000}, half{pkts: 10, bytes: 1000}, true, true, true},
		{"the sender lost, but sent more", 1, 0, half{pkts: 100, bytes: 1000}, half{pkts: 10, bytes: 1000}, true, true, true},
		{"other packets of the same number", 1, 1, half{pkts: 10, bytes: 1000}, half{pkts: 10, bytes: 900}, true, true, false},
		{"with more bytes than these can have", 1, 1, half{pkts: 10, bytes: 1 << 20}, half{pkts: 10, bytes: 1<<20 - 256<<10 - 1}, true, true, true},
		{"bytes that one packet can have", 1, 0, half{pkts: 10, bytes: 1000}, half{pkts: 10, bytes: 1000 + 128<<10}, true, true, false},
		{"more bytes", 1, 0, half{pkts: 10, bytes: 1000}, half{pkts: 10, bytes: 1001 + 128<<10}, true, true, true},
		{"a lost packet with more bytes", 1, 0, half{pkts: 20, bytes: 1 << 20}, half{pkts: 19, bytes: 1<<20 - math.MaxUint16 - 128<<10 - 1}, true, true, true},
		{"the sender has nothing", 1, 0, half{}, half{pkts: 10, bytes: 1000}, false, true, false},
		{"the receiver has nothing", 0, 1, half{pkts: 10, bytes: 1000}, half{}, true, false, false},
		{"a number that would overflow", math.MaxUint64, math.MaxUint64, half{pkts: math.MaxUint64}, half{pkts: 1}, true, true, false},
	} {
		b := newBooks(Options{})
		b.Loss, b.nodes = 5, []*node{{id: "a", lost: test.lostS}, {id: "b", lost: test.lostR, num: 1}}
		test.sent.nodes, test.sent.keepers = []uint32{0}, []uint32{0}
		test.recv.nodes, test.recv.keepers = []uint32{1}, []uint32{1}
		if !test.sIsThere {
			test.sent.nodes = nil
		}
		if !test.rIsToo {
			test.recv.nodes = nil
		}
		got := b.judge(&direction{sent: test.sent, recv: test.recv}, "")
		qt.Check(t, got, qt.Equals, test.found, qt.Commentf("%s: %v", test.name, b.findings))
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
