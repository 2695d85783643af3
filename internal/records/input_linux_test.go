package records_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/records"
)

// TestInputUnreadableNames checks that a file is read although names before it cannot be read, or would
// block.
func TestInputUnreadableNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "flows")
	qt.Assert(t, os.Mkdir(dir, 0o700), qt.IsNil)
	qt.Assert(t, os.Symlink("a.ndjson", filepath.Join(dir, "a.ndjson")), qt.IsNil)
	qt.Assert(t, os.Symlink("gone", filepath.Join(dir, "b.ndjson")), qt.IsNil)
	qt.Assert(t, syscall.Mkfifo(filepath.Join(dir, "c.ndjson"), 0o600), qt.IsNil)
	qt.Assert(t, os.Symlink("..", filepath.Join(dir, "d.json")), qt.IsNil)
	qt.Assert(t, os.Mkdir(filepath.Join(dir, "e.json"), 0o700), qt.IsNil)
	qt.Assert(t, os.WriteFile(filepath.Join(dir, "z.ndjson"), []byte(one), 0o600), qt.IsNil)
	link := filepath.Join(t.TempDir(), "link")
	qt.Assert(t, os.Symlink(dir, link), qt.IsNil)
	for _, path := range []string{dir, link} {
		var names, errs []string
		for rec, err := range (&records.Input{Paths: []string{path}}).Records() {
			if err != nil {
				errs = append(errs, err.Error())
				continue
			}
			names = append(names, filepath.Base(rec.Pos.File))
		}
		qt.Check(t, names, qt.DeepEquals, []string{"z.ndjson"})
		qt.Assert(t, errs, qt.HasLen, 2)
		qt.Check(t, strings.Contains(errs[0], "a.ndjson") && strings.Contains(errs[1], "b.ndjson"), qt.IsTrue, qt.Commentf("%q", errs))
	}
}

// TestInputSocket checks that a socket, which cannot be opened, does not hide the next file.
func TestInputSocket(t *testing.T) {
	const socket, flows = "socket", "flows"
	t.Chdir(t.TempDir()) // the name of a socket must be short
	l, err := net.Listen("unix", socket)
	qt.Assert(t, err, qt.IsNil)
	defer l.Close()
	qt.Assert(t, os.WriteFile(flows, []byte(one), 0o600), qt.IsNil)
	var got []string
	for rec, err := range (&records.Input{Paths: []string{socket, flows}}).Records() {
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		got = append(got, rec.NodeID)
	}
	qt.Assert(t, got, qt.HasLen, 2)
	qt.Check(t, got[0], qt.Contains, socket)
	qt.Check(t, got[1], qt.Equals, "n1")
}
