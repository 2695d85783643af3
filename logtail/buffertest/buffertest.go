// Package buffertest checks implementations of [logtail.Buffer].
//
//	func TestMyBuffer(t *testing.T) {
//		buffertest.TestBuffer(t, func(t *testing.T, maxBytes int64) logtail.Buffer {
//			return mybuffer.New(t.TempDir(), maxBytes)
//		})
//	}
package buffertest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/go-netlog/netlog/logtail"
)

const (
	roomy   = 4 << 20   // bytes: nothing these tests hold is dropped
	narrow  = 128 << 10 // bytes: soon full
	maxPeek = 16 << 10  // bytes
)

// Owner returns the identity that TestBuffer claims a [logtail.Claimer] with, for
// a Buffer that serves one identity only.
func Owner() logtail.PublicID { return logtail.PrivateID{1}.Public() }

// TestBuffer checks that what open makes is a [logtail.Buffer], each rule in a
// subtest of its own. open makes an empty Buffer that holds at most maxBytes
// bytes, however it counts them, and arranges with t for its end. TestBuffer
// asks for 128 KiB and more, and expects that an eighth of that can be held.
//
// Run it under the race detector too.
func TestBuffer(t *testing.T, open func(t *testing.T, maxBytes int64) logtail.Buffer) {
	for _, test := range []struct {
		name     string
		maxBytes int64
		run      func(*testing.T, logtail.Buffer)
	}{
		{"an empty buffer has nothing", roomy, testEmpty},
		{"entries come back in order and unchanged", roomy, testOrder},
		{"append copies the entry", roomy, testCopies},
		{"peek takes at most max bytes but at least one entry", roomy, testPeekBounds},
		{"peek answers the same until ack", roomy, testPeekStable},
		{"ack removes a prefix, once", roomy, testAck},
		{"a full buffer drops the oldest and counts them exactly", narrow, testFull},
		{"an entry dropped in flight is not counted twice", narrow, testDroppedInFlight},
		{"an entry that cannot fit harms no other", narrow, testTooLarge},
		{"an empty entry is an error", roomy, testEmptyEntry},
		{"any sequence of calls agrees with a list", narrow, testModel},
		{"writers and a reader work at once", narrow, testConcurrent},
		{"one logger at a time", roomy, testClaim},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.run(t, open(t, test.maxBytes))
		})
	}
}

// entry returns entry n, of size bytes or a few more. Its bytes depend on n, so
// that a mixture of two entries shows.
func entry(n, size int) []byte {
	b := fmt.Appendf(nil, `{"n":%d,"pad":"`, n)
	for len(b) < size-2 {
		b = append(b, 'a'+byte((n+len(b))%26))
	}
	return append(b, `"}`...)
}

func appendAll(t *testing.T, b logtail.Buffer, entries ...[]byte) {
	t.Helper()
	for i, e := range entries {
		if err := b.Append(e); err != nil {
			t.Fatalf("Append of entry %d: %v", i, err)
		}
	}
}

func peek(t *testing.T, b logtail.Buffer, max int) ([][]byte, uint64) {
	t.Helper()
	entries, through, err := b.Peek(max)
	if err != nil {
		t.Fatalf("Peek: %v", err)
	}
	return entries, through
}

func ack(t *testing.T, b logtail.Buffer, through uint64) {
	t.Helper()
	if err := b.Ack(through); err != nil {
		t.Fatalf("Ack(%d): %v", through, err)
	}
}

// drain takes everything out of b and returns copies of it.
func drain(t *testing.T, b logtail.Buffer) (all [][]byte) {
	t.Helper()
	for {
		entries, through := peek(t, b, maxPeek)
		if len(entries) == 0 {
			return all
		}
		for _, e := range entries {
			all = append(all, bytes.Clone(e))
		}
		ack(t, b, through)
	}
}

func wantEntries(t *testing.T, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d entries, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("entry %d of %d: got %.60q, want %.60q", i, len(want), got[i], want[i])
		}
	}
}

func wantHeld(t *testing.T, b logtail.Buffer, entries int) {
	t.Helper()
	s := b.Stats()
	if s.Entries != entries {
		t.Errorf("Stats: %d entries, want %d", s.Entries, entries)
	}
	if s.Bytes < 0 || s.Bytes > s.MaxBytes || (s.Bytes == 0) != (entries == 0) {
		t.Errorf("Stats: %d bytes of %d with %d entries", s.Bytes, s.MaxBytes, entries)
	}
}

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
	for _, test := range []struct{ max, n int }{
		{0, 1}, {1, 1}, {-1, 1}, {size(1), 1}, {size(2) - 1, 1},
		{size(2), 2}, {size(3), 3}, {size(4) - 1, 3}, {size(4), 4}, {maxPeek, 4},
	} {
		entries, _ := peek(t, b, test.max)
		if len(entries) != test.n {
			t.Errorf("Peek(%d): %d entries, want %d", test.max, len(entries), test.n)
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

// fill appends entries of size bytes until b has dropped some, and more.
func fill(t *testing.T, b logtail.Buffer, size int) (all [][]byte) {
	t.Helper()
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
	all := fill(t, b, 1000)
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
	all := slices.Concat(first, fill(t, b, 1000))
	wantEntries(t, inFlight, copies) // what was dropped is readable still
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

// testModel makes random calls on b and on a list.
func testModel(t *testing.T, b logtail.Buffer) {
	rng := rand.New(rand.NewPCG(1, 2))
	var (
		model   [][]byte // what b must hold
		dropped uint64
		tokens  []uint64
		ends    = map[uint64]int{} // how many entries ever a token removes
		gone    int                // entries that ever left
	)
	for i := range 3000 {
		switch op := rng.IntN(10); {
		case op < 7:
			e := entry(i, 20+rng.IntN(3000))
			appendAll(t, b, e)
			model = append(model, e)
			s := b.Stats()
			n := int(s.DroppedEntries - dropped)
			if n >= len(model) {
				t.Fatalf("%d of %d entries dropped to add one", n, len(model))
			}
			model, gone, dropped = model[n:], gone+n, s.DroppedEntries
		case op < 9:
			entries, through := peek(t, b, rng.IntN(maxPeek))
			if len(entries) == 0 != (len(model) == 0) || len(entries) > len(model) {
				t.Fatalf("Peek: %d entries of %d", len(entries), len(model))
			}
			wantEntries(t, entries, model[:len(entries)])
			tokens = append(tokens, through)
			ends[through] = gone + len(entries)
		case len(tokens) > 0:
			token := tokens[rng.IntN(len(tokens))]
			ack(t, b, token)
			if n := ends[token] - gone; n > 0 {
				model, gone = model[n:], gone+n
			}
		}
		wantHeld(t, b, len(model))
		if t.Failed() {
			t.Fatalf("at step %d", i)
		}
	}
	wantEntries(t, drain(t, b), model)
}

// testConcurrent has several writers and one reader. What each writer wrote
// must arrive in its order, and all that is missing must be counted.
func testConcurrent(t *testing.T, b logtail.Buffer) {
	const writers, each = 4, 300
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := b.Append(entry(w*each+i, 1000)); err != nil {
					t.Errorf("Append: %v", err)
					return
				}
				b.Stats()
			}
		})
	}
	writing := make(chan struct{})
	go func() { wg.Wait(); close(writing) }()

	received := map[int]bool{}
	last := [writers]int{-1, -1, -1, -1}
	for done := false; !done; {
		select {
		case <-writing:
			done = b.Stats().Entries == 0
		default:
		}
		entries, through := peek(t, b, maxPeek)
		for _, e := range entries {
			var n int
			if _, err := fmt.Sscanf(string(e), `{"n":%d,`, &n); err != nil || !bytes.Equal(e, entry(n, 1000)) {
				t.Fatalf("invented entry %.40q", e)
			}
			if n%each < last[n/each] {
				t.Fatalf("writer %d: entry %d after %d", n/each, n%each, last[n/each])
			}
			last[n/each] = n % each
			received[n] = true
		}
		ack(t, b, through)
	}
	// An entry may be dropped after it was received and before its Ack.
	if s := b.Stats(); len(received)+int(s.DroppedEntries) < writers*each {
		t.Errorf("%d received and %d dropped of %d", len(received), s.DroppedEntries, writers*each)
	}
}

func testClaim(t *testing.T, b logtail.Buffer) {
	c, ok := b.(logtail.Claimer)
	if !ok {
		t.Skip("not a Claimer")
	}
	for range 3 {
		if err := c.Claim(Owner()); err != nil {
			t.Fatalf("Claim: %v", err)
		}
		if err := c.Claim(Owner()); !errors.Is(err, logtail.ErrBufferInUse) {
			t.Errorf("a second Claim: %v, want %v", err, logtail.ErrBufferInUse)
		}
		c.Release()
	}
}
