package serve

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
)

// get returns the status and the body at url.
func get(c *qt.C, url string) (status int, body string) {
	c.Helper()
	resp, err := http.Get(url)
	c.Assert(err, qt.IsNil)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	c.Assert(err, qt.IsNil)
	return resp.StatusCode, string(b)
}

// TestServeUnhealthyAfterFailedBatch checks that serve is healthy again after the next
// stored batch.
func TestServeUnhealthyAfterFailedBatch(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	s := startServe(c, "-dir", dir)
	id := secrettest.NewID()
	c.Assert(os.WriteFile(dir+"/netlog", nil, 0o600), qt.IsNil) // where the directory of the collection must be
	c.Check(clitest.Send(c, s.url, id, `{}`, ""), qt.Equals, 503)
	status, body := get(c, s.url+"/healthz")
	c.Check(status, qt.Equals, 503)
	c.Check(body, qt.Equals, "the last batch could not be stored\n")
	c.Assert(os.Remove(dir+"/netlog"), qt.IsNil)
	c.Check(clitest.Send(c, s.url, id, `{}`, ""), qt.Equals, 200)
	status, body = get(c, s.url+"/healthz")
	c.Check(status, qt.Equals, 200)
	c.Check(body, qt.Equals, "ok\n")
}

// TestServeHealthIndependentOfNodes uses more collections than allowed.
func TestServeHealthIndependentOfNodes(t *testing.T) {
	c := qt.New(t)
	s := startServe(c, "-dir", t.TempDir())
	id, err := secrettest.NewID().MarshalText()
	c.Assert(err, qt.IsNil)
	for n := range filestore.DefaultMaxCollections + 1 {
		resp, err := http.Post(fmt.Sprintf("%s/c/c%d/%s", s.url, n, id), "", strings.NewReader(`{}`))
		c.Assert(err, qt.IsNil)
		resp.Body.Close()
		c.Check(resp.StatusCode, qt.Equals, map[bool]int{false: 200, true: 403}[n == filestore.DefaultMaxCollections])
	}
	status, _ := get(c, s.url+"/healthz")
	c.Check(status, qt.Equals, 200)
}

// TestServeMetricsOwnListener checks that the address is printed, since the port may be
// any.
func TestServeMetricsOwnListener(t *testing.T) {
	c := qt.New(t)
	s := startServe(c, "-dir", t.TempDir(), "-ui", "127.0.0.1:0")
	url := s.stderr.Await(c, `traffic at (http://[0-9.:]+/)`)[1] + "metrics"
	c.Check(clitest.Send(c, s.url, secrettest.NewID(), `{}`, ""), qt.Equals, 200)
	status, body := get(c, url)
	c.Check(status, qt.Equals, 200)
	c.Check(body, qt.Contains, "\nnetlog_stored_entries_total 1\n")
	for _, elsewhere := range []string{s.url + "/metrics", s.url + "/", url + "/"} {
		status, _ = get(c, elsewhere)
		c.Check(status, qt.Equals, 404, qt.Commentf("%s", elsewhere))
	}
	c.Check(s.stop(), qt.Equals, cli.ExitOK)
	_, err := http.Get(url)
	c.Check(err, qt.IsNotNil, qt.Commentf("it ends with serve"))
}

// TestServeNewNodesPerHour allows a difference of one.
func TestServeNewNodesPerHour(t *testing.T) {
	for bound, want := range map[string]int{"1": 429, "0": 200} { // 0: no bound
		c := qt.New(t)
		s := startServe(c, "-dir", t.TempDir(), "-new-nodes", bound)
		first := secrettest.NewID()
		c.Check(clitest.Send(c, s.url, first, `{}`, ""), qt.Equals, 200)
		clitest.Send(c, s.url, secrettest.NewID(), `{}`, "")
		c.Check(clitest.Send(c, s.url, secrettest.NewID(), `{}`, ""), qt.Equals, want, qt.Commentf("%s", bound))
		c.Check(clitest.Send(c, s.url, first, `{"a":1}`, ""), qt.Equals, 200)
	}
}

// TestMetricsLoopbackHostOnly checks the Host header, since a page reaches loopback by
// DNS rebinding under its own name.
func TestMetricsLoopbackHostOnly(t *testing.T) {
	c := qt.New(t)
	s := startServe(c, "-dir", t.TempDir(), "-ui", "127.0.0.1:0")
	url := s.stderr.Await(c, `traffic at (http://[0-9.:]+/)`)[1] + "metrics"
	for host, want := range map[string]int{
		"localhost": 200, "LOCALHOST:1": 200, "127.0.0.1": 200, "127.1.2.3:8642": 200, "[::1]": 200, "[::1]:8642": 200,
		"evil.example": 403, "evil.example:8642": 403, "127.0.0.1.evil.example": 403, "192.0.2.1": 403, "localhost.evil.example": 403,
	} {
		r, err := http.NewRequest("GET", url, nil)
		c.Assert(err, qt.IsNil)
		r.Host = host
		resp, err := http.DefaultClient.Do(r)
		c.Assert(err, qt.IsNil)
		c.Assert(resp.Body.Close(), qt.IsNil)
		c.Check(resp.StatusCode, qt.Equals, want, qt.Commentf("%s", host))
	}
}
