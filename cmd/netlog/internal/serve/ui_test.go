package serve

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/secrettest"
)

// TestServedPageFollows checks that the page shows what is stored, also after a restart.
func TestServedPageFollows(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	now := time.Now().UTC()
	entry := fmt.Sprintf(`{"start":%q,"end":%q,"virtualTraffic":[{"proto":6,"src":"100.64.0.1:22","dst":"100.64.0.2:4000","txPkts":10,"txBytes":4321}]}`,
		now.Add(-5*time.Second).Format(time.RFC3339), now.Format(time.RFC3339))
	for _, start := range []string{"first", "second"} {
		s := startServe(c, "-dir", dir, "-ui", "127.0.0.1:0")
		url := s.stderr.Await(c, `traffic at (http://[0-9.:]+/)`)[1]
		if start == "first" {
			c.Check(clitest.Send(c, s.url, secrettest.NewID(), entry, ""), qt.Equals, 200)
		}
		body := ""
		for deadline := time.Now().Add(30 * time.Second); !strings.Contains(body, `"txBytes":4321,`) && time.Now().Before(deadline); {
			_, body = get(c, url+"data.json")
			time.Sleep(10 * time.Millisecond)
		}
		c.Check(body, qt.Contains, `"txBytes":4321,`, qt.Commentf("at the %s start", start))
		_, body = get(c, url)
		c.Check(body, qt.Contains, "<title>netlog</title>")
		c.Check(s.stop(), qt.Equals, cli.ExitOK)
	}
}

// TestListenUI checks that there is no page if it is off, or if only its default address is taken.
func TestListenUI(t *testing.T) {
	c := qt.New(t)
	if l, err := net.Listen("tcp", defaultUI); err == nil { // otherwise a program that is no test has it
		defer l.Close()
	}
	other, err := net.Listen("tcp", "127.0.0.1:0")
	c.Assert(err, qt.IsNil)
	defer other.Close()
	for _, test := range []struct{ ui, says, err string }{
		{"off", "", ""},
		{defaultUI, "there is no page: -ui 127.0.0.1:8642 is taken", ""},
		{other.Addr().String(), "", "-ui .* is taken: choose another one"},
	} {
		var stderr clitest.Output
		s := &server{cfg: config{ui: test.ui}, view: newView(io.Discard, &stderr, false)}
		l, err := s.listenUI()
		c.Check(l, qt.IsNil)
		c.Check(stderr.String(), qt.Contains, test.says)
		if test.err == "" {
			c.Check(err, qt.IsNil)
		} else {
			c.Check(err, qt.ErrorMatches, test.err)
		}
	}
}
