package spool_test

import (
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/buffertest"
	"github.com/go-netlog/netlog/logtail/spool"
)

var owner = logtail.PublicID{1, 2, 3}

// open opens a spool, and closes it at the end of the test.
func open(t testing.TB, dir string, opts spool.Options) *spool.Spool {
	t.Helper()
	s, err := spool.Open(dir, owner, opts)
	qt.Assert(t, err, qt.IsNil)
	t.Cleanup(func() { qt.Check(t, s.Close(), qt.IsNil) })
	return s
}

func TestPeekRepeatsResult(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{})
	qt.Assert(t, s.Append([]byte("first")), qt.IsNil)
	first, token, err := s.Peek(1000)
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, s.Append([]byte("second")), qt.IsNil)
	again, tokenAgain, err := s.Peek(1000)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, again, qt.DeepEquals, first)
	qt.Check(t, tokenAgain, qt.Equals, token)
}

func TestAckOnlyPeekedEntries(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{})
	for range 3 {
		qt.Assert(t, s.Append([]byte("{}")), qt.IsNil)
	}
	_, token, err := s.Peek(1)
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, s.Ack(token+1), qt.IsNil)
	qt.Check(t, s.Stats().Entries, qt.Equals, 2)
}

func TestBuffer(t *testing.T) {
	for _, sync := range []spool.Sync{spool.Interval, spool.Never} {
		buffertest.TestBuffer(t, func(t *testing.T, maxBytes int64) logtail.Buffer {
			s, err := spool.Open(t.TempDir(), buffertest.Owner(), spool.Options{MaxBytes: maxBytes, Sync: sync})
			qt.Assert(t, err, qt.IsNil)
			t.Cleanup(func() { qt.Check(t, s.Close(), qt.IsNil) })
			return s
		})
	}
}
