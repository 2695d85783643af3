package serve

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/secrettest"
)

// TestServePortTakenNamesFlag checks that the error names -ui, as another -addr
// would not help.
func TestServePortTakenNamesFlag(t *testing.T) {
	c := qt.New(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	c.Assert(err, qt.IsNil)
	defer l.Close()
	dir := t.TempDir() + "/flows"
	code, errs := runServeOnce(c, "-dir", dir, "-ui", l.Addr().String())
	c.Check(code, qt.Equals, cli.ExitFailed)
	c.Check(errs, qt.Equals, "netlog serve: -ui "+l.Addr().String()+" is taken: choose another one\n")
	_, err = os.Stat(dir)
	c.Check(err, qt.ErrorIs, os.ErrNotExist)
}

func TestServeOpenNeedsFlag(t *testing.T) {
	for _, test := range []struct {
		args string
		want string // empty: it is not for that that it ends
	}{
		{"-addr :8641", "open to the network"},
		{"-addr 0.0.0.0:8641", "open to the network"},
		{"-addr [::]:8641", "open to the network"},
		{"-addr 192.0.2.1:8641", "open to the network"},
		{"-addr example.com:8641", "open to the network"},
		{"-addr 0.0.0.0:8641 -tls-cert c -tls-key k", "open to the network"},
		{"-addr 0.0.0.0:8641 -tokens t", "open to the network"},
		{"-addr 127.0.0.1:0 -tls-cert c", "go together"},
		{"-addr 127.0.0.1:0 -known-only", "needs -nodes"},
		{"-addr 127.0.0.1:0 -ui :9000", "not an address of this machine"},
		{"-addr 127.0.0.1:0 -ui 9000", "not an address of this machine"},
		{"-addr 127.0.0.1:0 -max-size 10ZB", "number of bytes"},
		{"-addr 127.0.0.1:0 flows", "takes flags only"},
	} {
		c := qt.New(t)
		var stderr clitest.Output
		code := run(t.Context(), append([]string{"serve"}, strings.Fields(test.args)...), nil, io.Discard, &stderr)
		c.Check(code, qt.Equals, cli.ExitUsage, qt.Commentf("%s", test.args))
		c.Check(stderr.String(), qt.Contains, test.want)
	}
	for _, args := range []string{"-open -addr 0.0.0.0:1", "-addr 0.0.0.0:1 -tls-cert c -tls-key k -tokens t", "-addr localhost:1", "-addr [::1]:1", "-addr 127.9.9.9:1"} {
		c := qt.New(t)
		var cfg config
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		cfg.flags(fs)
		c.Assert(fs.Parse(strings.Fields(args)), qt.IsNil)
		c.Check(cfg.check(), qt.IsNil, qt.Commentf("%s", args))
	}
}

func TestServePortTaken(t *testing.T) {
	c := qt.New(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	c.Assert(err, qt.IsNil)
	defer l.Close()
	var stderr clitest.Output
	code := run(t.Context(), []string{"serve", "-ui", "off", "-addr", l.Addr().String(), "-dir", t.TempDir()}, nil, io.Discard, &stderr)
	c.Check(code, qt.Equals, cli.ExitFailed)
	c.Check(stderr.String(), qt.Contains, "another user's")
}

func TestServeDirectoryTaken(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	startServe(c, "-dir", dir)
	var stderr clitest.Output
	code := run(t.Context(), []string{"serve", "-ui", "off", "-addr", "127.0.0.1:0", "-dir", dir}, nil, io.Discard, &stderr)
	c.Check(code, qt.Equals, cli.ExitFailed)
	c.Check(stderr.String(), qt.Contains, "is used by another netlog serve")
}

func TestSizesAndAges(t *testing.T) {
	c := qt.New(t)
	for s, want := range map[string]int64{"0": 0, "1": 1, "5B": 5, "1kB": 1000, "2MB": 2e6, "3GiB": 3 << 30, "1TiB": 1 << 40} {
		got, err := cli.ParseSize(s)
		c.Check(err, qt.IsNil)
		c.Check(int64(got), qt.Equals, want, qt.Commentf("%s", s))
	}
	for _, s := range []string{"", "x", "-1", "1.5GB", "9999999TiB", "1ZB", "GB"} {
		_, err := cli.ParseSize(s)
		c.Check(err, qt.Not(qt.IsNil), qt.Commentf("%s", s))
	}
	for s, want := range map[string]time.Duration{"30d": 720 * time.Hour, "12h": 12 * time.Hour, "0": 0, "0d": 0} {
		got, err := cli.ParseAge(s)
		c.Check(err, qt.IsNil)
		c.Check(time.Duration(got), qt.Equals, want, qt.Commentf("%s", s))
	}
}

// runServeOnce runs serve with flags that it cannot start with.
func runServeOnce(c *qt.C, args ...string) (code int, stderr string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), 10*time.Second)
	defer cancel()
	var out clitest.Output
	code = run(ctx, append([]string{"serve", "-ui", "off", "-addr", "127.0.0.1:0"}, args...), nil, io.Discard, &out)
	return code, out.String()
}

func TestServeErrorIsOneLine(t *testing.T) {
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-bogus"}, cli.ExitUsage, `.*not defined: -bogus; .*`},
		{[]string{"-addr", "8641"}, cli.ExitUsage, `.*-addr 8641 is not an address and a port.*`},
		{[]string{"-new-nodes", "-3"}, cli.ExitUsage, `.*"-3" for flag -new-nodes: want a whole number; .*`},
		{[]string{"-max-age", "30x"}, cli.ExitUsage, `.*"30x" for flag -max-age: want days or hours.*`},
		{[]string{"-tokens", "none"}, cli.ExitUsage, `-tokens: none: no such file or directory`},
		{[]string{"-nodes", "."}, cli.ExitUsage, `-nodes: \.: is a directory`},
		{[]string{"-tls-cert", "none", "-tls-key", "none"}, cli.ExitUsage, `-tls-cert, -tls-key: none: no such file or directory`},
		{[]string{"-dir", "FILE"}, cli.ExitFailed, `-dir FILE: not a directory`},
		{[]string{"-dir", ""}, cli.ExitUsage, `-dir is empty; name the directory to store in, such as flows`},
		{[]string{"-dir", "LINK"}, cli.ExitFailed, `-dir LINK: a link that cannot be followed: LINK: no such file or directory`},
		{[]string{"-dir", "LINK/a/b"}, cli.ExitFailed, `-dir LINK/a/b: a link that cannot be followed: LINK: no such file or directory`},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			c := qt.New(t)
			t.Chdir(t.TempDir())
			c.Assert(os.WriteFile("FILE", nil, 0o600), qt.IsNil)
			if err := os.Symlink("NOTHING", "LINK"); err != nil && slices.Contains(test.args, "LINK") {
				t.Skipf("no symbolic links here: %v", err)
			}
			code, stderr := runServeOnce(c, test.args...)
			c.Check(code, qt.Equals, test.code)
			c.Check(stderr, qt.Matches, "netlog serve: "+test.want+"\n")
			_, err := os.Stat("flows")
			c.Check(err, qt.ErrorIs, os.ErrNotExist, qt.Commentf("it leaves nothing behind"))
		})
	}
}

// TestServeStartReportsUnwritableDirectory checks that this is reported before a node
// sends.
func TestServeStartReportsUnwritableDirectory(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	c.Assert(os.WriteFile(dir+"/tokens", nil, 0o600), qt.IsNil)
	s := startServe(c, "-dir", dir+"/flows", "-min-free", "1000000TiB", "-tokens", dir+"/tokens")
	s.stderr.Await(c, "nothing can be stored now: .*too little free space")
	s.stderr.Await(c, "nobody can send")
	resp, err := http.Get(s.url + "/healthz")
	c.Assert(err, qt.IsNil)
	resp.Body.Close()
	c.Check(resp.StatusCode, qt.Equals, 503)
}

// TestHealthRecoversWithoutRequest checks that a failure expires, since a proxy sends
// nothing to an unhealthy server.
func TestHealthRecoversWithoutRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h health
		qt.Check(t, h.failing(), qt.IsFalse)
		h.fail()
		time.Sleep(failedFor - 1)
		qt.Check(t, h.failing(), qt.IsTrue)
		time.Sleep(time.Nanosecond)
		qt.Check(t, h.failing(), qt.IsFalse)
	})
}

// TestHealthIgnoresWallClock checks that setting the clock back does not prolong a
// failure.
func TestHealthIgnoresWallClock(t *testing.T) {
	var h health
	h.fail()
	qt.Check(t, h.failed.Load().String(), qt.Contains, " m=") // as time.Now has it, and nothing that went through a number
}

// TestServeNeverRedirects checks that there are no redirects, which would repeat the
// private ID and which no node follows.
func TestServeNeverRedirects(t *testing.T) {
	c := qt.New(t)
	s := startServe(c, "-dir", t.TempDir())
	secret, err := secrettest.NewID().MarshalText()
	c.Assert(err, qt.IsNil)
	for path, want := range map[string]int{
		"/c/netlog/": 200, "//c/netlog/": 200, "/a/../c/netlog/": 200,
		"/c/../": 404, "/c/./": 404, "/c/%2e%2e/": 404, "/c//": 404, "/c/a%2fb/": 404, "/": 404,
	} {
		r, err := http.NewRequest("POST", s.url, strings.NewReader(`{}`))
		c.Assert(err, qt.IsNil)
		r.URL.Opaque = "//" + r.URL.Host + path + string(secret)
		resp, err := http.DefaultTransport.RoundTrip(r)
		c.Assert(err, qt.IsNil)
		body, err := io.ReadAll(resp.Body)
		c.Assert(err, qt.IsNil)
		resp.Body.Close()
		c.Check(resp.StatusCode, qt.Equals, want, qt.Commentf("%s", path))
		c.Check(fmt.Sprint(resp.Header, string(body)), qt.Not(qt.Contains), string(secret[:16]))
	}
}
