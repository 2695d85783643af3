package main

import (
	"math"
	"testing"

	qt "github.com/frankban/quicktest"
)

func TestVerifyJudgesBytesByTheirPackets(t *testing.T) {
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
		b := newBooks()
		b.loss, b.nodes = 20, []*bookNode{{id: "a"}}
		test.sent.nodes, test.recv.nodes = []uint32{0}, []uint32{0}
		qt.Check(t, b.judge(&direction{sent: test.sent, recv: test.recv}, ""), qt.Equals, test.found, qt.Commentf("%s", test.name))
	}
	qt.Check(t, add(math.MaxUint64-1, 2), qt.Equals, uint64(math.MaxUint64))
}
