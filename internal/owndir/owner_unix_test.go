//go:build unix

package owndir

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	qt "github.com/frankban/quicktest"
)

func TestWhoElseCanWrite(t *testing.T) {
	for _, test := range []struct {
		rule        string
		owner, self int
		perm        fs.FileMode
		want        string // of the error; empty: none
	}{
		{"ours alone", 7, 7, 0o700, ""},
		{"others may read", 7, 7, 0o755, ""},
		{"a group may read", 7, 7, 0o750, ""},
		{"root's", 0, 7, 0o755, ""},
		{"of the root that we are", 0, 0, 0o700, ""},
		{"of another user", 8, 7, 0o700, "belongs to user 8, and this process is of user 7"},
		{"of a user, and we are root", 8, 0, 0o700, "belongs to user 8, and this process is of user 0"},
		{"a group may write", 7, 7, 0o770, `can be written by its group \(0770\)`},
		{"everyone may write", 7, 7, 0o707, `can be written by everyone \(0707\)`},
		{"root's, and a group may write", 0, 7, 0o775, `can be written by its group \(0775\)`},
	} {
		err := whose(test.owner, test.self, test.perm)
		if test.want == "" {
			qt.Check(t, err, qt.IsNil, qt.Commentf("%s", test.rule))
			continue
		}
		qt.Check(t, err, qt.ErrorMatches, test.want, qt.Commentf("%s", test.rule))
	}
}

// TestWhoElseCanWriteStickyDirectory: whoever makes a file there first owns it.
func TestWhoElseCanWriteStickyDirectory(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	c.Assert(os.Chmod(dir, 0o777|fs.ModeSticky), qt.IsNil)
	root, err := os.OpenRoot(dir)
	c.Assert(err, qt.IsNil)
	defer root.Close()
	c.Check(CheckRoot(root, "lock"), qt.ErrorMatches, dir+" can be written by everyone .*")
	c.Check(CheckFile(root, "none"), qt.IsNil)
	c.Assert(os.Mkdir(filepath.Join(dir, "a"), 0o755), qt.IsNil)
	c.Check(CheckDir(root, "a"), qt.IsNil)
	c.Check(CheckFile(root, "a"), qt.ErrorMatches, ".*a is not a regular file")
	c.Assert(os.Symlink("a", filepath.Join(dir, "b")), qt.IsNil)
	c.Check(CheckDir(root, "b"), qt.ErrorMatches, ".*b is not a directory")
}

// TestCheckRootTakesRightOfGroup checks that the group loses the right to write only what this user has
// locked before, and nothing that everyone can write.
func TestCheckRootTakesRightOfGroup(t *testing.T) {
	for _, test := range []struct {
		name   string
		locked bool
		mode   fs.FileMode
		want   fs.FileMode // 0: refused
	}{
		{"writable for the group", true, 0o770, 0o750},
		{"setgid", true, 0o770 | fs.ModeSetgid, 0o750 | fs.ModeSetgid},
		{"writable for everyone", true, 0o777, 0},
		{"writable for others only", true, 0o702, 0},
		{"never locked", false, 0o770, 0},
		{"closed", false, 0o700, 0o700},
	} {
		c := qt.New(t)
		dir := t.TempDir()
		if test.locked {
			c.Assert(os.WriteFile(filepath.Join(dir, "lock"), nil, 0o660), qt.IsNil)
		}
		c.Assert(os.Chmod(dir, test.mode), qt.IsNil)
		root, err := os.OpenRoot(dir)
		c.Assert(err, qt.IsNil)
		defer root.Close()
		err = CheckRoot(root, "lock")
		c.Check(err == nil, qt.Equals, test.want != 0, qt.Commentf("%s: %v", test.name, err))
		info, err := os.Stat(dir)
		c.Assert(err, qt.IsNil)
		want := test.want
		if want == 0 {
			want = test.mode
		}
		c.Check(info.Mode()&^fs.ModeDir, qt.Equals, want, qt.Commentf("%s", test.name))
	}
}
