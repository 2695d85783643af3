package spool_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/spool"
)

// removals are what may happen to the directory of an open spool.
var removals = []struct {
	name   string
	remove func(t *testing.T, dir string)
	lost   bool // the segments that are not open are lost
}{
	{"directory", func(t *testing.T, dir string) { qt.Assert(t, os.RemoveAll(dir), qt.IsNil) }, true},
	{"directory and its parent", func(t *testing.T, dir string) { qt.Assert(t, os.RemoveAll(filepath.Dir(dir)), qt.IsNil) }, true},
	{"directory, and made again", func(t *testing.T, dir string) {
		qt.Assert(t, os.RemoveAll(dir), qt.IsNil)
		qt.Assert(t, os.Mkdir(dir, 0o700), qt.IsNil)
	}, true},
	{"all files", func(t *testing.T, dir string) { removeFiles(t, dir, "*") }, true},
	{"all segments", func(t *testing.T, dir string) { removeFiles(t, dir, "*.q") }, true},
	{"lock", func(t *testing.T, dir string) { removeFiles(t, dir, "lock") }, false},
	{"cursor", func(t *testing.T, dir string) { removeFiles(t, dir, "cursor") }, false},
	{"cursor replaced by an older one", func(t *testing.T, dir string) {
		name := filepath.Join(dir, "cursor")
		b, err := os.ReadFile(name)
		qt.Assert(t, err, qt.IsNil)
		removeFiles(t, dir, "cursor")
		qt.Assert(t, os.WriteFile(name, b, 0o600), qt.IsNil)
	}, false},
	{"newest segment", func(t *testing.T, dir string) {
		names, err := filepath.Glob(filepath.Join(dir, "*.q"))
		qt.Assert(t, err, qt.IsNil)
		qt.Assert(t, os.Remove(names[len(names)-1]), qt.IsNil)
	}, false},
}

func removeFiles(t *testing.T, dir, pattern string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, names, qt.Not(qt.HasLen), 0)
	for _, name := range names {
		qt.Assert(t, os.Remove(name), qt.IsNil)
	}
}

func skipWindows(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be removed here")
	}
}

// TestFilesRemovedWhileOpen removes files of a spool with several segments. Entries of files that are open
// must be kept, and what is lost must be counted, also in a later process.
func TestFilesRemovedWhileOpen(t *testing.T) {
	skipWindows(t)
	for _, test := range removals {
		for _, next := range []string{"Append", "Peek", "Close"} {
			t.Run(test.name+"/"+next, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "state", "spool")
				s := open(t, dir, spool.Options{MaxBytes: 64 << 10})
				const n = 30 // three segments and a part
				for i := range n {
					qt.Assert(t, s.Append(fmt.Appendf(nil, "%d%*s", i, 2000, ".")), qt.IsNil)
				}
				test.remove(t, dir)
				kept := n
				switch next {
				case "Append":
					qt.Check(t, s.Append([]byte("new")), qt.IsNil)
					kept++
				case "Peek":
					_, _, err := s.Peek(1)
					qt.Check(t, err, qt.IsNil)
				}
				if next != "Close" {
					b, err := os.ReadFile(filepath.Join(dir, "owner"))
					qt.Assert(t, err, qt.IsNil)
					qt.Check(t, string(b), qt.Contains, owner.String())
					lost, _ := s.Unreported()
					qt.Check(t, lost > 0, qt.Equals, test.lost)
					qt.Check(t, s.Stats().Entries, qt.Equals, kept-int(lost))
				}
				qt.Assert(t, s.Close(), qt.IsNil)

				s = open(t, dir, spool.Options{MaxBytes: 64 << 10})
				lost, bytes := s.Unreported()
				qt.Check(t, s.Stats().DroppedEntries, qt.Equals, uint64(0), qt.Commentf("nothing else is missing"))
				qt.Check(t, bytes >= 2000*lost, qt.IsTrue)
				got := drain(t, s)
				qt.Check(t, len(got)+int(lost), qt.Equals, kept)
				qt.Check(t, lost > 0, qt.Equals, test.lost)
				qt.Check(t, len(got) > 0, qt.IsTrue, qt.Commentf("those that were open"))
			})
		}
	}
}

// TestDirectoryRemovedShutdownKept removes the directory while a Logger runs. What Shutdown says is kept
// must be there for the next process.
func TestDirectoryRemovedShutdownKept(t *testing.T) {
	skipWindows(t)
	for _, possible := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) { shutdownRemoved(t, possible) })
	}
}

// shutdownRemoved shuts a Logger down whose directory was removed. It can be made again if possible is true.
func shutdownRemoved(t *testing.T, possible bool) {
	id := secrettest.NewID()
	parent := filepath.Join(t.TempDir(), "state")
	dir := filepath.Join(parent, "spool")
	s, err := spool.Open(dir, id.Public(), spool.Options{})
	qt.Assert(t, err, qt.IsNil)
	tried := make(refusing, 10)
	l, err := logtail.NewLogger(logtail.Config{
		Collection: "test", PrivateID: id, Buffer: s, HTTPClient: &http.Client{Transport: tried},
	})
	qt.Assert(t, err, qt.IsNil)
	for i := range 5 {
		fmt.Fprintf(l, `{"n":%d}`, i)
	}
	<-tried // the Logger waits before it tries again
	qt.Assert(t, os.RemoveAll(parent), qt.IsNil)
	if !possible {
		qt.Assert(t, os.WriteFile(parent, nil, 0o600), qt.IsNil)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	err = l.Shutdown(ctx)
	cancel()
	if !possible {
		qt.Check(t, err, qt.IsNil, qt.Commentf("nothing is left"))
		qt.Check(t, l.Stats().DroppedEntries, qt.Equals, uint64(5))
		_, err = fmt.Fprint(l, "x")
		qt.Check(t, err, qt.ErrorIs, logtail.ErrClosed)
		qt.Check(t, s.Append([]byte("x")), qt.ErrorMatches, "spool: entry refused: mkdir .*: not a directory")
		qt.Check(t, s.Close(), qt.IsNotNil)
		return
	}
	undelivered, ok := errors.AsType[*logtail.UndeliveredError](err)
	qt.Assert(t, ok, qt.IsTrue)
	qt.Check(t, undelivered.Kept, qt.IsTrue)
	qt.Assert(t, s.Close(), qt.IsNil)
	s, err = spool.Open(dir, id.Public(), spool.Options{})
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, s.Stats().Entries, qt.Equals, undelivered.Entries)
	qt.Check(t, undelivered.Entries, qt.Equals, 5)
	qt.Assert(t, s.Close(), qt.IsNil)
}

// refusing is a server that asks to come back later. It sends a value for each attempt.
type refusing chan struct{}

func (r refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	r <- struct{}{}
	return &http.Response{
		StatusCode: 503, Header: http.Header{"Retry-After": {"300"}}, Body: http.NoBody, Request: req,
	}, nil
}

// TestDirectoryTakenByAnother removes the lock, so that another spool can open the directory. The first one
// must stop using it, and count its entries.
func TestDirectoryTakenByAnother(t *testing.T) {
	skipWindows(t)
	for _, test := range []struct {
		name string
		ends bool // the other spool is closed before the first one notices
	}{{"in use", false}, {"its entries remain", true}} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			var lines []string
			s, err := spool.Open(dir, owner, spool.Options{Logf: func(f string, args ...any) { lines = append(lines, fmt.Sprintf(f, args...)) }})
			qt.Assert(t, err, qt.IsNil)
			for i := range 3 {
				qt.Assert(t, s.Append(fmt.Append(nil, i)), qt.IsNil)
			}
			qt.Assert(t, os.Remove(filepath.Join(dir, "lock")), qt.IsNil)
			other := open(t, dir, spool.Options{})
			qt.Assert(t, other.Append([]byte("other")), qt.IsNil)
			if test.ends {
				qt.Assert(t, other.Close(), qt.IsNil)
			}
			before, err := os.ReadFile(filepath.Join(dir, "cursor"))
			qt.Assert(t, err, qt.IsNil)
			for range 2 {
				qt.Check(t, s.Append([]byte("refused")), qt.ErrorIs, spool.ErrLocked)
			}
			s.AddLosses(1, 7)
			entries, _, err := s.Peek(100)
			qt.Check(t, err, qt.IsNil)
			qt.Check(t, entries, qt.HasLen, 0)
			qt.Check(t, s.Stats().DroppedEntries, qt.Equals, uint64(3))
			qt.Check(t, s.Close(), qt.ErrorIs, spool.ErrLocked)
			after, err := os.ReadFile(filepath.Join(dir, "cursor"))
			qt.Check(t, err, qt.IsNil)
			qt.Check(t, after, qt.DeepEquals, before)
			qt.Check(t, strings.Join(lines, "\n"), qt.Contains, "in use")
			if test.ends {
				other = open(t, dir, spool.Options{})
			}
			qt.Check(t, drain(t, other), qt.DeepEquals, []string{"0", "1", "2", "other"})
			lost, _ := other.Unreported()
			qt.Check(t, lost, qt.Equals, uint64(0))
		})
	}
}

// TestDirectoryMovedStaysInUse moves the directory. Its entries are kept where it is now.
func TestDirectoryMovedStaysInUse(t *testing.T) {
	skipWindows(t)
	dir := filepath.Join(t.TempDir(), "spool")
	s := open(t, dir, spool.Options{})
	qt.Assert(t, s.Append([]byte("before")), qt.IsNil)
	qt.Assert(t, os.Rename(dir, dir+".old"), qt.IsNil)
	qt.Assert(t, s.Append([]byte("after")), qt.IsNil)
	qt.Assert(t, s.Close(), qt.IsNil)
	qt.Check(t, drain(t, open(t, dir+".old", spool.Options{})), qt.DeepEquals, []string{"before", "after"})
}
