package serve

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/secrettest"
)

// startMetrics runs serve, and returns the URL of its metrics.
func startMetrics(c *qt.C) (s *session, url string) {
	c.Helper()
	s = startServe(c, "-dir", c.TempDir(), "-ui", "127.0.0.1:0")
	return s, s.stderr.Await(c, `traffic at (http://[0-9.:]+/)`)[1] + "metrics"
}

// TestMetricsDocumented checks that docs/receiver.md lists all metrics with their types, and no others.
func TestMetricsDocumented(t *testing.T) {
	c := qt.New(t)
	_, url := startMetrics(c)
	_, body := get(c, url)
	doc, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "receiver.md"))
	c.Assert(err, qt.IsNil)
	var shown, documented []string
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(body, -1) {
		shown = append(shown, m[1]+" "+m[2])
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `((?:netlog|process)_\\w+)` \\| (\\w+) \\| \\S.* \\|\\r?$").FindAllStringSubmatch(string(doc), -1) {
		if runtime.GOOS == "linux" || !strings.HasPrefix(m[1], "process_") || m[1] == "process_start_time_seconds" {
			documented = append(documented, m[1]+" "+m[2])
		}
	}
	slices.Sort(shown)
	slices.Sort(documented)
	c.Check(shown, qt.DeepEquals, documented)
	for _, m := range regexp.MustCompile(`why="(\w+)"`).FindAllStringSubmatch(body, -1) {
		c.Check(string(doc), qt.Contains, "`"+m[1]+"`")
	}
}

// TestMetricsLastStore checks that a request that is not stored does not count.
func TestMetricsLastStore(t *testing.T) {
	c := qt.New(t)
	s, url := startMetrics(c)
	id := secrettest.NewID()
	last := func() string {
		_, body := get(c, url)
		return regexp.MustCompile(`(?m)^netlog_last_store_timestamp_seconds (\S+)$`).FindStringSubmatch(body)[1]
	}
	c.Check(clitest.Send(c, s.url, id, `{`, ""), qt.Equals, 400)
	c.Check(last(), qt.Equals, "0")
	before := time.Now()
	c.Check(clitest.Send(c, s.url, id, `{"a":1}`, ""), qt.Equals, 200)
	var seconds float64
	c.Assert(json.Unmarshal([]byte(last()), &seconds), qt.IsNil)
	at := time.UnixMilli(int64(seconds * 1000))
	c.Check(at.Before(before.Add(-time.Second)), qt.IsFalse)
	c.Check(at.After(time.Now().Add(time.Second)), qt.IsFalse)
	c.Check(clitest.Send(c, s.url, id, `{`, ""), qt.Equals, 400)
	var again float64
	c.Assert(json.Unmarshal([]byte(last()), &again), qt.IsNil)
	c.Check(again, qt.Equals, seconds)
}
