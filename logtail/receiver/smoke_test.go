package receiver_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
)

func TestSmoke(t *testing.T) {
	c := qt.New(t)
	dir := filepath.Join(c.TempDir(), "flows")
	files, err := receiver.OpenFiles(dir, receiver.FileOptions{})
	c.Assert(err, qt.IsNil)
	h := &receiver.Handler{Sink: files}
	srv := httptest.NewServer(h)
	defer srv.Close()
	id := logtail.NewPrivateID()
	txt, _ := id.MarshalText()
	body := `[{"logtail":{"client_time":"2026-11-22T10:00:00Z","proc_id":1,"proc_seq":2},"a":1},{"b":[{"c":"\u0061"}],"logtail":{"id":"x"}}]`
	for range 2 {
		res, err := http.Post(srv.URL+"/x/c/netlog/"+string(txt), "", strings.NewReader(body))
		c.Assert(err, qt.IsNil)
		c.Assert(res.StatusCode, qt.Equals, 200)
	}
	c.Assert(files.Close(), qt.IsNil)
	b, err := os.ReadFile(filepath.Join(dir, "netlog", time.Now().UTC().Format(time.DateOnly)+".ndjson"))
	c.Assert(err, qt.IsNil)
	t.Logf("%s %+v", b, h.Stats())
}
