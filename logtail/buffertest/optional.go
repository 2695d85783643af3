package buffertest

import (
	"errors"
	"testing"

	"github.com/go-netlog/netlog/logtail"
)

// claimer returns b as a Claimer, or skips the test if b is none.
func claimer(t *testing.T, b logtail.Buffer) logtail.Claimer {
	t.Helper()
	c, ok := b.(logtail.Claimer)
	if !ok {
		t.Skip("not a Claimer")
	}
	return c
}

func claim(t *testing.T, c logtail.Claimer) {
	t.Helper()
	if err := c.Claim(Owner()); err != nil {
		t.Fatalf("Claim: %v", err)
	}
}

func testClaim(t *testing.T, b logtail.Buffer) {
	c := claimer(t, b)
	for range 3 {
		claim(t, c)
		if err := c.Claim(Owner()); !errors.Is(err, logtail.ErrBufferInUse) {
			t.Errorf("a second Claim: %v, want %v", err, logtail.ErrBufferInUse)
		}
		c.Release()
	}
}

func testClaimByAnother(t *testing.T, b logtail.Buffer) {
	c := claimer(t, b)
	switch err := c.Claim(logtail.PrivateID{2}.Public()); {
	case err == nil:
		c.Release()
	case !errors.Is(err, logtail.ErrBufferOwner):
		t.Errorf("Claim for another identity: %v, want nil or %v", err, logtail.ErrBufferOwner)
	}
	claim(t, c) // the owner of the entries can still claim it
	c.Release()
}

func testClaimCounts(t *testing.T, b logtail.Buffer) {
	c := claimer(t, b)
	all := fill(t, b)
	before := b.Stats()
	claim(t, c)
	if after := b.Stats(); before != after {
		t.Errorf("the first Claim changed %+v to %+v, but no Logger has reported the drops", before, after)
	}
	c.Release()
	claim(t, c)
	defer c.Release()
	s := b.Stats()
	if s.DroppedEntries != 0 || s.DroppedBytes != 0 {
		t.Errorf("a second Logger would report %d dropped entries (%d bytes) again", s.DroppedEntries, s.DroppedBytes)
	}
	held := all[before.DroppedEntries:]
	wantHeld(t, b, len(held))
	wantEntries(t, drain(t, b), held)
}

func testLosses(t *testing.T, b logtail.Buffer) {
	k, ok := b.(logtail.LossKeeper)
	if !ok {
		t.Skip("not a LossKeeper")
	}
	want := func(entries, bytes uint64) {
		t.Helper()
		if n, size := k.Unreported(); n != entries || size != bytes {
			t.Errorf("%d entries (%d bytes) to report, want %d (%d)", n, size, entries, bytes)
		}
	}
	k.AddLosses(1, 100)
	k.AddLosses(1, 50)
	want(2, 150)
	if s := b.Stats(); s.DroppedEntries != 0 {
		t.Errorf("refused entries count as dropped: %+v", s)
	}
	if err := k.AppendReport(entry(-1, 100), 2, 150); err != nil {
		t.Fatal(err)
	}
	want(0, 0)
	k.AddLosses(1, 70) // not in that report
	want(0, 0)
	drain(t, b)
	want(1, 70)
	if err := k.AppendReport(entry(-2, 100), 1, 70); err != nil {
		t.Fatal(err)
	}
	fill(t, b) // drops the report
	peek(t, b, maxPeek)
	s := b.Stats()
	want(s.DroppedEntries+1, s.DroppedBytes+70)
}
