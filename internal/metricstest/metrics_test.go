// Package metricstest checks the metrics of netlog serve with the linter of Prometheus. It is a module of its
// own, outside the workspace, so that nobody else needs client_golang.
package metricstest

import (
	"bytes"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
)

// served is a running netlog serve, built from the files of this clone.
type served struct {
	url, page string
	version   string // what netlog version prints
}

var (
	servedAt = regexp.MustCompile(`serve: (http://[0-9.:]+), `)
	pageAt   = regexp.MustCompile(`traffic at (http://[0-9.:]+/)\n`)
)

// serve builds and starts the command. It ends with the test.
func serve(c *qt.C) *served {
	c.Helper()
	path := filepath.Join(c.TempDir(), "netlog")
	build := exec.Command("go", "build", "-o", path, "./cmd/netlog")
	build.Dir = filepath.Join("..", "..")
	out, err := build.CombinedOutput()
	c.Assert(err, qt.IsNil, qt.Commentf("%s", out))
	version, err := exec.Command(path, "version").Output()
	c.Assert(err, qt.IsNil)

	cmd := exec.Command(path, "serve", "-addr", "127.0.0.1:0", "-ui", "127.0.0.1:0", "-dir", c.TempDir(), "-min-free", "0")
	stderr, err := cmd.StderrPipe()
	c.Assert(err, qt.IsNil)
	c.Assert(cmd.Start(), qt.IsNil)
	c.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		io.Copy(io.Discard, stderr)
		c.Check(cmd.Wait(), qt.IsNil)
	})
	s := &served{version: string(version)}
	said := ""
	for buf := make([]byte, 4096); s.page == ""; {
		n, err := stderr.Read(buf)
		c.Assert(err, qt.IsNil, qt.Commentf("%s", said))
		said += string(buf[:n])
		if url, page := servedAt.FindStringSubmatch(said), pageAt.FindStringSubmatch(said); url != nil && page != nil {
			s.url, s.page = url[1], page[1]
		}
	}
	return s
}

// upload sends n entries with a real Logger.
func (s *served) upload(c *qt.C, n int, gzip bool) {
	c.Helper()
	l, err := logtail.NewLogger(logtail.Config{Collection: "netlog", PrivateID: secrettest.NewID(), BaseURL: s.url, Gzip: gzip})
	c.Assert(err, qt.IsNil)
	for range n {
		_, err := io.WriteString(l, `{"text":"`+strings.Repeat("up ", 500)+`"}`)
		c.Assert(err, qt.IsNil)
	}
	c.Assert(l.Shutdown(c.Context()), qt.IsNil)
	c.Assert(l.Stats().DeliveredEntries, qt.Equals, uint64(n))
}

// metrics returns what Prometheus gets.
func (s *served) metrics(c *qt.C) []byte {
	c.Helper()
	resp, err := http.Get(s.page + "metrics")
	c.Assert(err, qt.IsNil)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	c.Assert(err, qt.IsNil)
	c.Check(resp.StatusCode, qt.Equals, http.StatusOK)
	c.Check(expfmt.ResponseFormat(resp.Header).FormatType(), qt.Equals, expfmt.TypeTextPlain)
	return body
}

// TestMetricsLint runs the linter on what the command answers after uploads, and after a request that
// it has refused.
func TestMetricsLint(t *testing.T) {
	c := qt.New(t)
	s := serve(c)
	s.upload(c, 20, false)
	s.upload(c, 3, true)
	resp, err := http.Post(s.url+"/c/netlog/"+strings.Repeat("5e", 32), "application/json", strings.NewReader("{"))
	c.Assert(err, qt.IsNil)
	resp.Body.Close()
	c.Assert(resp.StatusCode, qt.Equals, http.StatusBadRequest)

	text := s.metrics(c)
	c.Logf("%s", text)
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	c.Assert(err, qt.IsNil)
	c.Check(problems, qt.HasLen, 0)

	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	c.Assert(err, qt.IsNil)
	c.Check(value(c, families, "netlog_stored_entries_total", ""), qt.Equals, 23.0)
	c.Check(value(c, families, "netlog_refused_requests_total", "malformed"), qt.Equals, 1.0)
	c.Check(value(c, families, "netlog_refused_requests_total", "other"), qt.Equals, 0.0)
	c.Check(value(c, families, "netlog_nodes", ""), qt.Equals, 3.0)
	start := value(c, families, "process_start_time_seconds", "")
	c.Check(value(c, families, "netlog_last_store_timestamp_seconds", "") >= start, qt.IsTrue)
	if runtime.GOOS == "linux" {
		for _, name := range []string{"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds"} {
			c.Check(value(c, families, name, "") > 0, qt.IsTrue, qt.Commentf("%s", name))
		}
	}
	for _, l := range families["netlog_build_info"].Metric[0].Label {
		c.Check(s.version, qt.Contains, l.GetValue(), qt.Commentf("%s", l.GetName()))
	}
	c.Check(value(c, families, "netlog_build_info", ""), qt.Equals, 1.0)
}

// value returns the value of a metric, which has the label why if that is not empty.
func value(c *qt.C, families map[string]*dto.MetricFamily, name, why string) float64 {
	c.Helper()
	for _, m := range families[name].GetMetric() {
		if why == "" || m.Label[0].GetValue() == why {
			return m.GetCounter().GetValue() + m.GetGauge().GetValue() // one of them is nil
		}
	}
	c.Fatalf("there is no %s of %q", name, why)
	return 0
}
