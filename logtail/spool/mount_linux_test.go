package spool_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/spool"
)

// mountTmpfs mounts a small file system in memory until the end of the test.
func mountTmpfs(t *testing.T, size string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=700,size="+size); err != nil {
		t.Skipf("mounting a file system needs root: %v", err)
	}
	t.Cleanup(func() { qt.Check(t, syscall.Unmount(dir, 0), qt.IsNil) })
	return dir
}

// remount changes the flags of a file system of mountTmpfs.
func remount(t *testing.T, dir string, flags uintptr) {
	t.Helper()
	qt.Assert(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, ""), qt.IsNil)
}

// TestAppendFullFileSystem fills a real file system. It checks that entries are refused, that
// accepted ones can be acknowledged without a free block, and that new ones are accepted once there
// is room.
func TestAppendFullFileSystem(t *testing.T) {
	dir := mountTmpfs(t, "256k")
	s := open(t, filepath.Join(dir, "spool"), spool.Options{})
	var want []string
	refused := 0
	for n := 0; refused < 20; n++ {
		e := fmt.Sprintf("%d %s", n, bytes.Repeat([]byte("x"), n*37%3000))
		if err := s.Append([]byte(e)); err != nil {
			qt.Assert(t, err, qt.ErrorIs, syscall.ENOSPC)
			refused++
			continue
		}
		want = append(want, e)
	}
	// Another file takes the rest of the room.
	os.WriteFile(filepath.Join(dir, "other"), make([]byte, 256<<10), 0o600)
	deliverOne(t, s) // without a free block
	qt.Assert(t, s.Close(), qt.IsNil)

	s = open(t, filepath.Join(dir, "spool"), spool.Options{})
	qt.Check(t, s.Stats().Entries, qt.Equals, len(want)-1)
	qt.Check(t, drain(t, s), qt.DeepEquals, want[1:])
	qt.Assert(t, os.Remove(filepath.Join(dir, "other")), qt.IsNil)
	qt.Check(t, s.Append([]byte("room again")), qt.IsNil)
	qt.Check(t, drain(t, s), qt.DeepEquals, []string{"room again"})
	qt.Check(t, s.Stats().DroppedEntries, qt.Equals, uint64(0))
}

// TestOpenReadOnlyFileSystem checks that entries on a read-only file system can be delivered.
func TestOpenReadOnlyFileSystem(t *testing.T) {
	dir := mountTmpfs(t, "256k")
	s := open(t, dir, spool.Options{})
	qt.Assert(t, s.Append([]byte("kept")), qt.IsNil)
	qt.Assert(t, s.Close(), qt.IsNil)
	remount(t, dir, syscall.MS_RDONLY)
	s, err := spool.Open(dir, owner, spool.Options{})
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, s.Append([]byte("refused")), qt.ErrorIs, syscall.EROFS)
	entries, through, err := s.Peek(100)
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, entries, qt.HasLen, 1)
	qt.Check(t, s.Ack(through), qt.ErrorMatches, "spool: delivery not recorded: .*")
	qt.Check(t, s.Stats().Entries, qt.Equals, 0)
	qt.Check(t, s.Close(), qt.IsNotNil)
	remount(t, dir, 0)
	s = open(t, dir, spool.Options{})
	qt.Check(t, drain(t, s), qt.DeepEquals, []string{"kept"}, qt.Commentf("sent again"))
	qt.Check(t, s.Append([]byte("accepted")), qt.IsNil)
}

// TestOpenEmptyReadOnlyFileSystem checks that the error says that the file system is read-only, not that the
// lock does not exist.
func TestOpenEmptyReadOnlyFileSystem(t *testing.T) {
	dir := mountTmpfs(t, "256k")
	remount(t, dir, syscall.MS_RDONLY)
	for _, name := range []string{".", "spool"} {
		_, err := spool.Open(filepath.Join(dir, name), owner, spool.Options{})
		qt.Check(t, err, qt.ErrorIs, syscall.EROFS)
	}
}

// TestOpenTooManyOpenFiles checks that a lack of file descriptors is not taken for damage.
func TestOpenTooManyOpenFiles(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{})
	qt.Assert(t, s.Append([]byte("kept")), qt.IsNil)
	qt.Assert(t, s.Close(), qt.IsNil)
	var old syscall.Rlimit
	qt.Assert(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old), qt.IsNil)
	qt.Assert(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 3, Max: old.Max}), qt.IsNil)
	_, err := spool.Open(dir, owner, spool.Options{})
	qt.Assert(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old), qt.IsNil)
	qt.Check(t, err, qt.ErrorIs, syscall.EMFILE)
	s = open(t, dir, spool.Options{})
	qt.Check(t, drain(t, s), qt.DeepEquals, []string{"kept"})
}

// TestPowerCutOnExt4 copies the image of a mounted file system between writes, and opens the copy.
// Mounting it replays the journal, as after a power cut.
func TestPowerCutOnExt4(t *testing.T) {
	if os.Getenv("NETLOG_POWERCUT") == "" {
		t.Skip("set NETLOG_POWERCUT=1, as root, to cut the power of an ext4 image")
	}
	image, dir := filepath.Join(t.TempDir(), "image"), t.TempDir()
	run := func(name string, args ...string) {
		t.Helper()
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Skipf("%s: %v: %s", name, err, out)
		}
	}
	run("truncate", "-s", "32M", image)
	run("mkfs.ext4", "-q", image)
	run("mount", "-o", "loop,commit=1", image, dir)
	s := open(t, filepath.Join(dir, "spool"), spool.Options{Sync: spool.Always})
	for cut := range 15 {
		for range 20 {
			qt.Assert(t, s.Append(fmt.Appendf(nil, "%d %s", cut, bytes.Repeat([]byte("x"), 2000))), qt.IsNil)
		}
		copied, after := image+".copy", t.TempDir()
		run("cp", image, copied)
		run("mount", "-o", "loop", copied, after)
		found := open(t, filepath.Join(after, "spool"), spool.Options{})
		qt.Check(t, found.Stats().Entries, qt.Equals, 20*(cut+1))
		qt.Check(t, found.Stats().DroppedEntries, qt.Equals, uint64(0))
		qt.Check(t, found.Close(), qt.IsNil)
		run("umount", after)
	}
	qt.Assert(t, s.Close(), qt.IsNil)
	run("umount", dir)
}

// TestAckWritableAgain checks that deliveries are recorded once the file system is writable again.
func TestAckWritableAgain(t *testing.T) {
	dir := mountTmpfs(t, "256k")
	s := open(t, dir, spool.Options{})
	for n := range 3 {
		qt.Assert(t, s.Append(fmt.Appendf(nil, "old %d", n)), qt.IsNil)
	}
	qt.Assert(t, s.Close(), qt.IsNil)
	remount(t, dir, syscall.MS_RDONLY)
	s = open(t, dir, spool.Options{})
	qt.Check(t, s.Append([]byte("none")), qt.ErrorIs, syscall.EROFS)
	remount(t, dir, 0)
	qt.Assert(t, s.Append([]byte("new")), qt.IsNil)
	qt.Check(t, drain(t, s), qt.DeepEquals, []string{"old 0", "old 1", "old 2", "new"})
	qt.Assert(t, s.Close(), qt.IsNil)
	s = open(t, dir, spool.Options{})
	qt.Check(t, s.Stats().DroppedEntries, qt.Equals, uint64(0))
	qt.Check(t, drain(t, s), qt.HasLen, 0)
}
