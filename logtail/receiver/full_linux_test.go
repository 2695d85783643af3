package receiver_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

// TestFullDisk fills a filesystem of 2 MiB. It checks that further requests are answered 503, that
// nothing of them is stored, and that storing works again when there is space.
func TestFullDisk(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m,mode=0700"); err != nil {
		t.Skipf("cannot mount a tmpfs (needs root): %v", err)
	}
	t.Cleanup(func() { c.Check(syscall.Unmount(dir, 0), qt.IsNil) })
	for _, minFree := range []int64{-1, 256 << 10} {
		files, err := filestore.Open(dir, filestore.Options{MinFreeBytes: minFree})
		c.Assert(err, qt.IsNil)
		h := &receiver.Handler{Sink: files, Limits: receiver.Limits{MaxBytesPerHour: -1}}
		rng := storetest.NewNoise()
		stored, refused := 0, 0
		send := func() {
			// Two entries, so that the disk can fill up within a batch.
			line := `{"a":"` + rng.Line(7000) + `"}`
			switch w := post(h, line+line); w.Code {
			case 200:
				stored += 2
			case 503:
				refused++
				c.Check(w.Header().Get("Retry-After"), qt.Not(qt.Equals), "")
			default:
				t.Fatalf("answered %d: %s", w.Code, w.Body)
			}
		}
		for refused < 5 {
			send()
		}
		c.Check(stored > 100, qt.IsTrue, qt.Commentf("%d entries", stored))
		_, lines := storetest.Tree(c, dir)
		c.Check(lines, qt.HasLen, stored)

		var st syscall.Statfs_t
		c.Assert(syscall.Statfs(dir, &st), qt.IsNil)
		if free := int64(st.Bavail) * int64(st.Bsize); free < minFree-20_000 {
			t.Errorf("%d bytes left", free)
		}
		makeRoom(c, dir)
		stored, refused = 0, 0
		send()
		c.Check(refused, qt.Equals, 0)
		_, lines = storetest.Tree(c, dir)
		c.Check(lines, qt.HasLen, stored)
		c.Assert(files.Close(), qt.IsNil)
		makeRoom(c, dir)
	}
}

// makeRoom removes the files being written.
func makeRoom(c *qt.C, dir string) {
	names, _ := storetest.Tree(c, dir)
	for _, name := range names {
		if strings.HasSuffix(name, ".ndjson") {
			c.Assert(os.Remove(dir+"/"+name), qt.IsNil)
		}
	}
}
