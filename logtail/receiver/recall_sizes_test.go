package receiver_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

// TestRecallSizes prints how long the first request waits if the files have 10 GiB, for
// docs/receiver.md. It runs if NETLOG_SIZES is set.
func TestRecallSizes(t *testing.T) {
	if os.Getenv("NETLOG_SIZES") == "" {
		t.Skip("set NETLOG_SIZES=1 to run this test")
	}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		files := storetest.Open(c, dir, filestore.Options{})
		h := &receiver.Handler{Sink: files}
		l := startMesh(c, logtail.Config{HTTPClient: &http.Client{Transport: &direct{Handler: h}}}, newMesh(500))
		time.Sleep(3 * time.Hour)
		c.Assert(l.Shutdown(t.Context()), qt.IsNil)
		c.Assert(files.Close(), qt.IsNil)
	})
	c := qt.New(t)
	full, err := filepath.Glob(filepath.Join(dir, "netlog", "*.zst"))
	c.Assert(err, qt.IsNil)
	info, err := os.Stat(full[0])
	c.Assert(err, qt.IsNil)
	day := time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)
	for total := info.Size(); total < filestore.DefaultMaxBytes; total += info.Size() {
		c.Assert(os.Link(full[0], filepath.Join(dir, "netlog", day.Format(time.DateOnly)+".0001.ndjson.zst")), qt.IsNil)
		day = day.AddDate(0, 0, -1)
	}
	start := time.Now()
	files := storetest.Open(c, dir, filestore.Options{MaxAge: -1, MaxBytes: -1})
	opened := time.Since(start)
	h := &receiver.Handler{Sink: files}
	start = time.Now()
	c.Check(post(h, `{}`).Code, qt.Equals, 200)
	first := time.Since(start)
	start = time.Now()
	n, size := 0, 0
	for _, e := range files.Recent(128 << 20) {
		n++
		size += len(e)
	}
	t.Logf("10 GiB in files of %d MB: Open took %v, the first request %v; all of Recent, %d entries of %d MB, %v", info.Size()/1e6, opened, first, n, size/1e6, time.Since(start))
	c.Assert(files.Close(), qt.IsNil)
}
