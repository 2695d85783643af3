package buffertest

import (
	"bytes"
	"slices"
	"testing"

	"github.com/go-netlog/netlog/logtail"
)

func testEmpty(t *testing.T, b logtail.Buffer) {
	entries, through := peek(t, b, maxPeek)
	wantEntries(t, entries, nil)
	ack(t, b, through)
	ack(t, b, 0)
	wantHeld(t, b, 0)
	if s := b.Stats(); s.MaxBytes <= 0 || s.MaxBytes > roomy || s.DroppedEntries != 0 || s.DroppedBytes != 0 {
		t.Errorf("Stats of a new buffer: %+v", s)
	}
}

func testOrder(t *testing.T, b logtail.Buffer) {
	var want [][]byte
	for i := range 500 {
		want = append(want, entry(i, 20+i*7%3000))
	}
	want = append(want, []byte("{}"), []byte{0}, bytes.Repeat([]byte("\xff\n\x00"), 1000))
	appendAll(t, b, want...)
	wantHeld(t, b, len(want))
	wantEntries(t, drain(t, b), want)
	wantHeld(t, b, 0)
}

func testCopies(t *testing.T, b logtail.Buffer) {
	e := entry(1, 100)
	want := bytes.Clone(e)
	appendAll(t, b, e)
	clear(e)
	wantEntries(t, drain(t, b), [][]byte{want})
}

func testPeekBounds(t *testing.T, b logtail.Buffer) {
	want := [][]byte{entry(0, 3000), entry(1, 100), entry(2, 100), entry(3, 100)}
	appendAll(t, b, want...)
	size := func(n int) (sum int) {
		for _, e := range want[:n] {
			sum += len(e)
		}
		return sum
	}
	for _, test := range []struct{ limit, n int }{
		{0, 1}, {1, 1}, {-1, 1}, {size(1), 1}, {size(2) - 1, 1},
		{size(2), 2}, {size(3), 3}, {size(4) - 1, 3}, {size(4), 4}, {maxPeek, 4},
	} {
		entries, _ := peek(t, b, test.limit)
		if len(entries) != test.n {
			t.Errorf("Peek(%d): %d entries, want %d", test.limit, len(entries), test.n)
			continue
		}
		wantEntries(t, entries, want[:test.n])
	}
}

func testPeekStable(t *testing.T, b logtail.Buffer) {
	want := [][]byte{entry(0, 500), entry(1, 500)}
	appendAll(t, b, want...)
	first, token := peek(t, b, 1000)
	appendAll(t, b, entry(2, 500))
	again, tokenAgain := peek(t, b, 1000)
	wantEntries(t, again, first)
	wantEntries(t, first, want)
	if token != tokenAgain {
		t.Errorf("the token changed from %d to %d", token, tokenAgain)
	}
}

func testAck(t *testing.T, b logtail.Buffer) {
	all := [][]byte{entry(0, 100), entry(1, 100), entry(2, 100), entry(3, 100)}
	appendAll(t, b, all...)
	_, one := peek(t, b, 1)
	_, three := peek(t, b, 3*len(all[0]))
	ack(t, b, one)
	wantHeld(t, b, 3)
	ack(t, b, one) // again
	wantHeld(t, b, 3)
	ack(t, b, three)
	ack(t, b, one) // late
	ack(t, b, three)
	wantHeld(t, b, 1)
	appendAll(t, b, entry(4, 100))
	ack(t, b, three)
	wantEntries(t, drain(t, b), [][]byte{all[3], entry(4, 100)})
	if s := b.Stats(); s.DroppedEntries != 0 {
		t.Errorf("%d entries counted as dropped that were acknowledged", s.DroppedEntries)
	}
}

// fill appends entries until b has dropped some, and a few more.
func fill(t *testing.T, b logtail.Buffer) (all [][]byte) {
	t.Helper()
	const size = 1000
	for i := 0; b.Stats().DroppedEntries < 3 || i%7 != 0; i++ {
		if i*size > 100*narrow {
			t.Fatalf("nothing dropped: %+v", b.Stats())
		}
		all = append(all, entry(i, size))
		appendAll(t, b, all[i])
		if s := b.Stats(); s.Bytes > s.MaxBytes {
			t.Fatalf("over its bound: %+v", s)
		}
	}
	return all
}

func totalLen(entries [][]byte) (sum uint64) {
	for _, e := range entries {
		sum += uint64(len(e))
	}
	return sum
}

func testFull(t *testing.T, b logtail.Buffer) {
	all := fill(t, b)
	s := b.Stats()
	dropped := all[:s.DroppedEntries]
	if s.DroppedBytes != totalLen(dropped) {
		t.Errorf("%d bytes dropped, want %d", s.DroppedBytes, totalLen(dropped))
	}
	wantHeld(t, b, len(all)-len(dropped))
	if held := totalLen(all) - s.DroppedBytes; held < narrow/8 {
		t.Errorf("a full buffer of %d bytes holds %d", narrow, held)
	}
	wantEntries(t, drain(t, b), all[len(dropped):])
	if after := b.Stats(); after.DroppedEntries != s.DroppedEntries {
		t.Errorf("%d entries dropped by draining", after.DroppedEntries-s.DroppedEntries)
	}
}

func testDroppedInFlight(t *testing.T, b logtail.Buffer) {
	first := [][]byte{entry(-1, 900), entry(-2, 900)}
	appendAll(t, b, first...)
	inFlight, token := peek(t, b, maxPeek)
	var copies [][]byte
	for _, e := range inFlight {
		copies = append(copies, bytes.Clone(e))
	}
	all := slices.Concat(first, fill(t, b))
	wantEntries(t, inFlight, copies) // dropped entries stay readable
	before := b.Stats()
	ack(t, b, token)
	after := b.Stats()
	if before != after {
		t.Errorf("the Ack of dropped entries changed %+v to %+v", before, after)
	}
	wantEntries(t, drain(t, b), all[after.DroppedEntries:])
}

func testTooLarge(t *testing.T, b logtail.Buffer) {
	want := [][]byte{entry(0, 200), entry(1, 200)}
	appendAll(t, b, want...)
	before := b.Stats()
	if err := b.Append(entry(2, 2*narrow)); err == nil {
		t.Errorf("a buffer of %d bytes took an entry of %d", narrow, 2*narrow)
	}
	if after := b.Stats(); before != after {
		t.Errorf("the refused entry changed %+v to %+v", before, after)
	}
	wantEntries(t, drain(t, b), want)
}

func testEmptyEntry(t *testing.T, b logtail.Buffer) {
	if b.Append(nil) == nil || b.Append([]byte{}) == nil {
		t.Error("no error")
	}
	wantHeld(t, b, 0)
}
