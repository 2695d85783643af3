// Package buffertest checks implementations of [logtail.Buffer].
//
//	package mybuffer_test
//
//	import (
//		"testing"
//
//		"github.com/go-netlog/netlog/logtail"
//		"github.com/go-netlog/netlog/logtail/buffertest"
//	)
//
//	func TestMyBuffer(t *testing.T) {
//		buffertest.TestBuffer(t, func(t *testing.T, maxBytes int64) logtail.Buffer {
//			return logtail.NewMemoryBuffer(maxBytes) // your own, in t.TempDir() if it is one of files
//		})
//	}
package buffertest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/go-netlog/netlog/logtail"
)

const (
	roomy   = 4 << 20   // bytes; enough for these tests
	narrow  = 128 << 10 // bytes; too little for these tests
	maxPeek = 16 << 10  // bytes
)

// Owner returns the identity that TestBuffer passes to Claim of a [logtail.Claimer], for a Buffer
// that serves only one identity.
func Owner() logtail.PublicID { return logtail.PrivateID{1}.Public() }

// TestBuffer checks the rules of [logtail.Buffer], each in a subtest. open returns an empty Buffer
// that holds at most maxBytes bytes, however it counts them, and registers any cleanup with
// t.Cleanup. maxBytes is at least 128 KiB, and the Buffer must be able to hold entries of
// maxBytes/8 bytes.
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
		{"peek takes at most limit bytes but at least one entry", roomy, testPeekBounds},
		{"peek answers the same until ack", roomy, testPeekStable},
		{"ack removes a prefix, once", roomy, testAck},
		{"a full buffer drops the oldest and counts them exactly", narrow, testFull},
		{"an entry dropped in flight is not counted twice", narrow, testDroppedInFlight},
		{"an entry that cannot fit harms no other", narrow, testTooLarge},
		{"an empty entry is an error", roomy, testEmptyEntry},
		{"any sequence of calls agrees with a list", narrow, testModel},
		{"writers and a reader work at once", narrow, testConcurrent},
		{"one logger at a time", roomy, testClaim},
		{"another identity gets the buffer, or an error that says why not", roomy, testClaimByAnother},
		{"each logger reports the drops that no other one has reported", narrow, testClaimCounts},
		{"losses are unreported until a report is delivered", narrow, testLosses},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.run(t, open(t, test.maxBytes))
		})
	}
}

// entry returns entry n, of size bytes or a few more. Its bytes depend on n, so that a mixture of two
// entries is detected.
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

func peek(t *testing.T, b logtail.Buffer, limit int) ([][]byte, uint64) {
	t.Helper()
	entries, through, err := b.Peek(limit)
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
	held := b.Stats().Entries
	for {
		entries, through := peek(t, b, maxPeek)
		if len(entries) == 0 {
			return all
		}
		for _, e := range entries {
			all = append(all, bytes.Clone(e))
		}
		if len(all) > held {
			t.Fatalf("got %d entries of %d, and there is no end", len(all), held)
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
