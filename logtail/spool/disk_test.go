package spool_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/racetest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/spool"
)

// drain acknowledges all entries and returns them.
func drain(t testing.TB, s *spool.Spool) (all []string) {
	t.Helper()
	for {
		entries, through, err := s.Peek(16 << 10)
		qt.Assert(t, err, qt.IsNil)
		if len(entries) == 0 {
			return all
		}
		for _, e := range entries {
			all = append(all, string(e))
		}
		qt.Assert(t, s.Ack(through), qt.IsNil)
	}
}

// deliverOne acknowledges the oldest entry.
func deliverOne(t *testing.T, s *spool.Spool) {
	t.Helper()
	_, through, err := s.Peek(1)
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, s.Ack(through), qt.IsNil)
}

func TestOpenKeepsEntries(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "spool")
	var want []string
	for round := range 4 {
		s := open(t, dir, spool.Options{})
		for range 3 {
			e := strings.Repeat("x", 1+len(want)) + string(rune('a'+round))
			want = append(want, e)
			qt.Assert(t, s.Append([]byte(e)), qt.IsNil)
		}
		deliverOne(t, s)
		want = want[1:]
		qt.Check(t, s.Stats().Entries, qt.Equals, len(want))
		qt.Assert(t, s.Close(), qt.IsNil)
	}
	s := open(t, dir, spool.Options{})
	qt.Check(t, s.Stats().Entries, qt.Equals, len(want))
	qt.Check(t, drain(t, s), qt.DeepEquals, want)
	qt.Check(t, s.Stats().DroppedEntries, qt.Equals, uint64(0))
}

func TestOpenOtherOwner(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{})
	other := logtail.PublicID{9}
	qt.Check(t, s.Claim(other), qt.ErrorIs, logtail.ErrBufferOwner)
	qt.Assert(t, s.Append([]byte("{}")), qt.IsNil)
	qt.Assert(t, s.Close(), qt.IsNil)
	qt.Check(t, s.Claim(owner), qt.ErrorIs, spool.ErrClosed)
	refused := func(what string) {
		t.Helper()
		_, err := spool.Open(dir, other, spool.Options{})
		qt.Check(t, err, qt.ErrorIs, spool.ErrOwner, qt.Commentf(what))
		qt.Check(t, err, qt.ErrorMatches, fmt.Sprintf("spool: .*%v and not %v: %s", owner, other, regexp.QuoteMeta(dir)))
	}
	refused("another owner")
	qt.Assert(t, os.Remove(filepath.Join(dir, "owner")), qt.IsNil)
	refused("the cursor has the owner too")
	qt.Assert(t, open(t, dir, spool.Options{}).Close(), qt.IsNil)
	qt.Assert(t, os.Remove(filepath.Join(dir, "cursor")), qt.IsNil)
	refused("the owner is written again")
	qt.Assert(t, os.Remove(filepath.Join(dir, "owner")), qt.IsNil)
	qt.Assert(t, os.WriteFile(filepath.Join(dir, "cursor"), nil, 0o600), qt.IsNil)
	_, err := spool.Open(dir, owner, spool.Options{})
	qt.Check(t, err, qt.ErrorIs, spool.ErrOwner, qt.Commentf("entries of an unknown owner"))
}

func TestOpenFileModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes on Windows")
	}
	dir := filepath.Join(t.TempDir(), "spool")
	s := open(t, dir, spool.Options{})
	qt.Assert(t, s.Append([]byte("{}")), qt.IsNil)
	info, err := os.Stat(dir)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, info.Mode().Perm(), qt.Equals, os.FileMode(0o700))
	entries, err := os.ReadDir(dir)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, entries, qt.HasLen, 4)
	for _, e := range entries {
		info, err := e.Info()
		qt.Assert(t, err, qt.IsNil)
		qt.Check(t, info.Mode(), qt.Equals, os.FileMode(0o600), qt.Commentf(e.Name()))
	}
}

func TestOpenInvalidDirectory(t *testing.T) {
	fails := func(name, dir string) {
		t.Helper()
		_, err := spool.Open(dir, owner, spool.Options{})
		qt.Check(t, err, qt.ErrorMatches, "spool: .*", qt.Commentf(name))
	}
	file := filepath.Join(t.TempDir(), "file")
	qt.Assert(t, os.WriteFile(file, nil, 0o600), qt.IsNil)
	fails("a file", file)
	fails("below a file", filepath.Join(file, "dir"))
	if runtime.GOOS == "windows" {
		return
	}
	open := t.TempDir()
	qt.Assert(t, os.Chmod(open, 0o777), qt.IsNil)
	fails("a directory that everyone can write", open)
	qt.Assert(t, os.Chmod(open, 0o770), qt.IsNil)
	fails("a directory that its group can write", open)
	if os.Geteuid() == 0 {
		qt.Assert(t, os.Chmod(open, 0o700), qt.IsNil)
		qt.Assert(t, os.Chown(open, 65534, 65534), qt.IsNil)
		fails("a directory of another user", open)
	}
	for _, name := range []string{"lock", "cursor", "owner"} {
		dir := t.TempDir()
		qt.Assert(t, os.Symlink(file, filepath.Join(dir, name)), qt.IsNil)
		fails("a link for "+name, dir)
		b, err := os.ReadFile(file)
		qt.Assert(t, err, qt.IsNil)
		qt.Check(t, b, qt.HasLen, 0, qt.Commentf("a link was followed"))
	}
}

// TestOpenFileWritableByOthers checks that such a file is refused, not treated as damaged: after a
// chmod, all entries are there.
func TestOpenFileWritableByOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes on Windows")
	}
	for _, name := range []string{"0000000000000001.q", "cursor", "owner", "lock"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, spool.Options{})
			qt.Assert(t, s.Append([]byte("mine")), qt.IsNil)
			qt.Assert(t, s.Close(), qt.IsNil)
			path := filepath.Join(dir, name)
			qt.Assert(t, os.Chmod(path, 0o666), qt.IsNil)
			_, err := spool.Open(dir, owner, spool.Options{})
			qt.Check(t, err, qt.ErrorMatches, "spool: "+regexp.QuoteMeta(path)+` can be written by everyone \(0666\)`)
			qt.Assert(t, os.Chmod(path, 0o600), qt.IsNil)
			s = open(t, dir, spool.Options{})
			qt.Check(t, drain(t, s), qt.DeepEquals, []string{"mine"})
			qt.Check(t, s.Stats().DroppedEntries, qt.Equals, uint64(0))
		})
	}
}

// TestOpenNewerFormat checks that Open leaves a spool of a later version of this package unchanged.
func TestOpenNewerFormat(t *testing.T) {
	dir := t.TempDir()
	line := "netlog spool 2 something new "
	line += spool.Checksum(line) + "\n"
	qt.Assert(t, os.WriteFile(filepath.Join(dir, "owner"), []byte(line), 0o600), qt.IsNil)
	qt.Assert(t, os.WriteFile(filepath.Join(dir, "0000000000000001.q"), []byte("new"), 0o600), qt.IsNil)
	_, err := spool.Open(dir, owner, spool.Options{})
	qt.Check(t, err, qt.ErrorMatches, `spool: the directory has format "2", not 1`)
	b, err := os.ReadFile(filepath.Join(dir, "0000000000000001.q"))
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, string(b), qt.Equals, "new")
}

// TestOpenForeignFiles checks that files of others are not read, followed or removed, even if one
// has the name of the next segment.
func TestOpenForeignFiles(t *testing.T) {
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "outside")
	qt.Assert(t, os.WriteFile(outside, bytes.Repeat([]byte("secret"), 100), 0o600), qt.IsNil)
	for _, name := range []string{"notes.txt", "0000000000000003.Q", "1.q", "000000000000000A.q", "0000000000000000.q", "ffffffffffffffff.q", "cursor.tmp"} {
		qt.Assert(t, os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600), qt.IsNil)
	}
	qt.Assert(t, os.Mkdir(filepath.Join(dir, "0000000000000001.q"), 0o700), qt.IsNil)
	if err := os.Symlink(outside, filepath.Join(dir, "0000000000000002.q")); err != nil {
		t.Logf("no symbolic link: %v", err)
	}
	before, err := os.ReadDir(dir)
	qt.Assert(t, err, qt.IsNil)
	for range 2 {
		s := open(t, dir, spool.Options{})
		qt.Assert(t, s.Append([]byte("mine")), qt.IsNil)
		qt.Check(t, drain(t, s), qt.DeepEquals, []string{"mine"})
		qt.Check(t, s.Stats().DroppedEntries, qt.Equals, uint64(0))
		qt.Assert(t, s.Close(), qt.IsNil)
	}
	for _, e := range before {
		after, err := os.Lstat(filepath.Join(dir, e.Name()))
		qt.Assert(t, err, qt.IsNil)
		qt.Check(t, after.Mode().Type(), qt.Equals, e.Type())
	}
	b, err := os.ReadFile(outside)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, b, qt.HasLen, 600)
}

// TestCursorLost checks that without a cursor all entries are sent again and none is lost.
func TestCursorLost(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{})
	for _, e := range []string{"a", "b", "c"} {
		qt.Assert(t, s.Append([]byte(e)), qt.IsNil)
	}
	deliverOne(t, s)
	qt.Assert(t, s.Close(), qt.IsNil)
	qt.Assert(t, os.WriteFile(filepath.Join(dir, "cursor"), bytes.Repeat([]byte{1}, 144), 0o600), qt.IsNil)
	s = open(t, dir, spool.Options{})
	qt.Check(t, drain(t, s), qt.DeepEquals, []string{"a", "b", "c"})
	qt.Check(t, s.Stats().DroppedEntries, qt.Equals, uint64(0))
}

// TestCursorAhead checks that new entries do not get the numbers of entries that are delivered
// according to the cursor, but were lost in a power cut.
func TestCursorAhead(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{})
	for range 5 {
		qt.Assert(t, s.Append([]byte("old")), qt.IsNil)
	}
	drain(t, s)
	qt.Assert(t, s.Close(), qt.IsNil)
	os.Remove(filepath.Join(dir, "0000000000000001.q"))
	s = open(t, dir, spool.Options{})
	qt.Assert(t, s.Append([]byte("new")), qt.IsNil)
	qt.Assert(t, s.Close(), qt.IsNil)
	s = open(t, dir, spool.Options{})
	qt.Check(t, drain(t, s), qt.DeepEquals, []string{"new"})
	qt.Check(t, s.Stats().DroppedEntries, qt.Equals, uint64(0))
}

func TestOpenInvalidOptions(t *testing.T) {
	for _, test := range []struct {
		owner logtail.PublicID
		opts  spool.Options
		want  string
	}{
		{owner, spool.Options{MaxBytes: 100}, "spool: MaxBytes: 100 is less than 4096"},
		{owner, spool.Options{MaxBytes: -1}, "spool: MaxBytes: -1 is less than 4096"},
		{owner, spool.Options{Sync: 9}, "spool: Sync: unknown value 9"},
		{logtail.PublicID{}, spool.Options{}, "spool: owner: .*"},
	} {
		_, err := spool.Open(t.TempDir(), test.owner, test.opts)
		qt.Check(t, err, qt.ErrorMatches, test.want)
	}
}

func TestOpenWithoutDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := spool.Open("", owner, spool.Options{})
	qt.Check(t, err, qt.ErrorMatches, "spool: dir: is empty")
	names, err := filepath.Glob("*")
	qt.Check(t, names, qt.HasLen, 0, qt.Commentf("%v", err))
}

func TestSpoolClosed(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{})
	qt.Assert(t, s.Append([]byte("{}")), qt.IsNil)
	qt.Assert(t, s.Close(), qt.IsNil)
	qt.Check(t, s.Close(), qt.IsNil)
	qt.Check(t, s.Append([]byte("{}")), qt.ErrorIs, spool.ErrClosed)
	_, _, err := s.Peek(1)
	qt.Check(t, err, qt.ErrorIs, spool.ErrClosed)
	qt.Check(t, s.Ack(1), qt.ErrorIs, spool.ErrClosed)
	qt.Check(t, s.Stats().Entries, qt.Equals, 1)
}

func TestAppendTooLarge(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{MaxBytes: 8 << 10})
	qt.Assert(t, s.Append([]byte("{}")), qt.IsNil)
	qt.Check(t, s.Append(make([]byte, 8<<10)), qt.ErrorMatches, "spool: entry refused: larger than the spool")
	qt.Check(t, s.Stats().Entries, qt.Equals, 1)
	qt.Check(t, s.Append(make([]byte, 7<<10)), qt.IsNil)
	qt.Check(t, s.Stats().DroppedEntries, qt.Equals, uint64(0))
}

// TestOpenBacklogMemory checks that a full spool of small entries takes no memory for each.
func TestOpenBacklogMemory(t *testing.T) {
	racetest.Skip(t) // it measures memory
	dir := t.TempDir()
	s := open(t, dir, spool.Options{Sync: spool.Never})
	entry := bytes.Repeat([]byte("x"), 312) // more than 100,000 fit
	for s.Stats().DroppedEntries == 0 {
		qt.Assert(t, s.Append(entry), qt.IsNil)
	}
	held := s.Stats().Entries
	qt.Assert(t, held > 100_000, qt.IsTrue, qt.Commentf("%d", held))
	qt.Assert(t, s.Close(), qt.IsNil)
	before := heap()
	s = open(t, dir, spool.Options{Sync: spool.Never})
	grown := heap() - before
	qt.Check(t, grown < 1<<20, qt.IsTrue, qt.Commentf("the heap grew by %d bytes", grown))
	qt.Check(t, s.Stats().Entries, qt.Equals, held)
	qt.Check(t, len(drain(t, s)), qt.Equals, held)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestOpenAfterKubernetesMount makes a spool writable for its group, as Kubernetes does at each mount of a
// volume.
func TestOpenAfterKubernetesMount(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes on Windows")
	}
	dir := filepath.Join(t.TempDir(), "spool")
	s := open(t, dir, spool.Options{})
	for _, entry := range []string{"1", "2", "3"} {
		qt.Assert(t, s.Append([]byte(entry)), qt.IsNil)
		qt.Assert(t, s.Close(), qt.IsNil)
		qt.Assert(t, os.Chmod(dir, 0o770|os.ModeSetgid), qt.IsNil)
		entries, err := os.ReadDir(dir)
		qt.Assert(t, err, qt.IsNil)
		for _, e := range entries {
			qt.Assert(t, os.Chmod(filepath.Join(dir, e.Name()), 0o660), qt.IsNil)
		}
		s = open(t, dir, spool.Options{})
		info, err := os.Stat(dir)
		qt.Assert(t, err, qt.IsNil)
		qt.Check(t, info.Mode()&0o022, qt.Equals, os.FileMode(0))
	}
	qt.Check(t, drain(t, s), qt.DeepEquals, []string{"1", "2", "3"})
}
