package buffertest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/go-netlog/netlog/logtail"
)

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
	defer wg.Wait()
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
		left := 0
		select {
		case <-writing:
			left = b.Stats().Entries
			done = left == 0
		default:
		}
		entries, through := peek(t, b, maxPeek)
		if len(entries) == 0 && left > 0 {
			t.Fatalf("Stats: %d entries, but Peek shows none", left)
		}
		for _, e := range entries {
			var n int
			if _, err := fmt.Sscanf(string(e), `{"n":%d,`, &n); err != nil || !bytes.Equal(e, entry(n, 1000)) {
				t.Fatalf("invented entry %.40q", e)
			}
			if n%each <= last[n/each] {
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
