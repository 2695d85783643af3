package examples_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

// victoriaLogs is a VictoriaLogs that runs on loopback.
type victoriaLogs struct {
	url  string
	stop func()
}

// buildVictoriaLogs returns the path of the program, which it builds from source unless the directory of
// NETLOG_ENGINES has it.
func buildVictoriaLogs(t *testing.T) string {
	dir := engines(t)
	if path := filepath.Join(dir, "victoria-logs"); dir != "" {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	bin := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "install", "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs@v1.52.1")
	cmd.Dir = bin
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GOBIN="+bin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("cannot build VictoriaLogs: %v\n%s", err, out)
	}
	return filepath.Join(bin, "victoria-logs")
}

// startVictoriaLogs starts it as its README says.
func startVictoriaLogs(t *testing.T, path, dir, port string) victoriaLogs {
	cmd := exec.Command(path, "-storageDataPath="+dir, "-retentionPeriod=90d", "-httpListenAddr=127.0.0.1:"+port)
	qt.Assert(t, cmd.Start(), qt.IsNil)
	v := victoriaLogs{url: "http://127.0.0.1:" + port, stop: func() {
		if cmd.ProcessState == nil {
			cmd.Process.Signal(os.Interrupt)
			cmd.Wait()
		}
	}}
	t.Cleanup(v.stop)
	for range 1000 {
		if resp, err := http.Get(v.url + "/health"); err == nil {
			resp.Body.Close()
			return v
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("VictoriaLogs does not answer")
	return v
}

// insert sends lines to a path.
func (v victoriaLogs) insert(t *testing.T, path string, lines []string) {
	resp, err := http.Post(v.url+path, "application/json", strings.NewReader(strings.Join(lines, "\n")))
	qt.Assert(t, err, qt.IsNil)
	resp.Body.Close()
	qt.Assert(t, resp.StatusCode, qt.Equals, 200)
}

// get returns the answer to a query.
func (v victoriaLogs) get(t *testing.T, path string, values url.Values) []byte {
	t.Helper()
	resp, err := http.Get(v.url + "/internal/force_flush")
	qt.Assert(t, err, qt.IsNil)
	resp.Body.Close()
	resp, err = http.PostForm(v.url+path, values)
	qt.Assert(t, err, qt.IsNil)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, resp.StatusCode, qt.Equals, 200, qt.Commentf("%s\n%s", body, values.Get("query")))
	return body
}

// query returns the rows of a query.
func (v victoriaLogs) query(t *testing.T, query string) (rows []map[string]string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(v.get(t, "/select/logsql/query", url.Values{"query": {query}})))
	for d.More() {
		var row map[string]string
		qt.Assert(t, d.Decode(&row), qt.IsNil)
		rows = append(rows, row)
	}
	return rows
}

// insertPath returns the path with its parameters that a file names.
func insertPath(t *testing.T, file string) string {
	text := strings.ReplaceAll(readText(t, file), "\" +\n\t\t\t\"", "")
	path := regexp.MustCompile(`/insert/jsonline\?[^"\s]*`).FindString(text)
	qt.Assert(t, path, qt.Not(qt.Equals), "", qt.Commentf("%s", file))
	return path
}

// TestVictoriaLogsOutage uploads entries with the Logger. VictoriaLogs is stopped in between and started again. All
// entries are there.
func TestVictoriaLogsOutage(t *testing.T) {
	path := buildVictoriaLogs(t)
	dir, port := t.TempDir(), freePort(t)
	v := startVictoriaLogs(t, path, dir, port)
	l, err := logtail.NewLogger(logtail.Config{
		URL: v.url + insertPath(t, "victorialogs/README.md"), Encoding: logtail.NDJSON, PrivateID: privateID('a'),
	})
	qt.Assert(t, err, qt.IsNil)
	write := func() {
		for range 100 {
			_, err := fmt.Fprintf(l, `{"nodeId":"a",%s,"exitTraffic":[{"txPkts":1}]}`, window(time.Now(), time.Minute))
			qt.Assert(t, err, qt.IsNil)
		}
	}
	write()
	v.stop()
	write()
	v = startVictoriaLogs(t, path, dir, port)
	write()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	qt.Assert(t, l.Shutdown(ctx), qt.IsNil)
	got := v.query(t, `{nodeId="a"} | stats count() stored, count_uniq(logtail.proc_seq) entries`)
	t.Log(got)
	qt.Assert(t, got, qt.HasLen, 1)
	qt.Check(t, got[0]["entries"], qt.Equals, "300")
}

// TestVictoriaLogs stores the entries of honest nodes twice, and those of a hostile one, on both ways: directly
// from the nodes, and by a shipper that reads the files of netlog serve.
func TestVictoriaLogs(t *testing.T) {
	path := buildVictoriaLogs(t)
	qt.Check(t, insertPath(t, "fluent-bit/fluent-bit.yaml"), qt.Equals, insertPath(t, "victorialogs/README.md"))
	now := time.Now()
	stores(t, now, func(t *testing.T, _ string, lines []string) {
		t.Run("shipped", func(t *testing.T) {
			checkVictoriaLogs(t, path, insertPath(t, "tail/fluent-bit.yaml"), lines, `"logtail.id"`, now)
		})
		t.Run("direct", func(t *testing.T) {
			checkVictoriaLogs(t, path, insertPath(t, "victorialogs/README.md"), withoutSender(lines), "nodeId", now)
		})
	})
}

// withoutSender returns lines as the nodes sent them.
func withoutSender(lines []string) (own []string) {
	for _, line := range lines {
		own = append(own, regexp.MustCompile(`,"id":"[0-9a-f]{64}","server_time":"[^"]*"`).ReplaceAllString(line, ""))
	}
	return own
}

// checkVictoriaLogs inserts lines and checks what the queries return. The field node identifies the sender.
func checkVictoriaLogs(t *testing.T, path, insert string, lines []string, node string, now time.Time) {
	v := startVictoriaLogs(t, path, t.TempDir(), freePort(t))
	for range 2 {
		v.insert(t, insert, lines)
	}
	stream := func(letter byte) string {
		if node == "nodeId" {
			return fmt.Sprintf(`{nodeId="%c"}`, letter)
		}
		return fmt.Sprintf(`{logtail.id=%q}`, publicID(letter))
	}
	a, b := stream('a'), stream('b')

	var largest []string
	for _, row := range v.query(t, strings.Replace(readText(t, "victorialogs/largest.logsql"), "limit 20", "limit 10000", 1)) {
		qt.Check(t, row["bytes"], qt.Not(qt.Equals), "NaN")
		if row["_stream"] == a || row["_stream"] == b {
			sender := map[string]string{a: "a", b: "b"}[row["_stream"]]
			largest = append(largest, strings.Join([]string{sender, row["proto"], row["src"], row["dst"], row["tx"], row["rx"], row["bytes"]}, " "))
		}
	}
	qt.Check(t, largest, qt.DeepEquals, []string{
		"a 6 100.64.0.1:4000 100.64.0.2:22 200 100 300",
		"b 6 100.64.0.2:22 100.64.0.1:4000 100 190 290",
		"a 6 100.64.0.1:4001 100.64.0.2:81 60 40 100",
		"b 6 100.64.0.2:81 100.64.0.1:4001 40 60 100",
	})

	at := now.Add(-10 * time.Minute).UTC().Truncate(time.Second).Add(1).Format(time.RFC3339Nano)
	qt.Check(t, v.query(t, strings.ReplaceAll(readText(t, "victorialogs/refused.logsql"), `{nodeId="NODE"}`, quoted(a, node))), qt.DeepEquals, []map[string]string{
		{"_time": at, "refused_by": "filter", "connection": "100.64.0.9:999 to 100.64.0.1:23"},
		{"_time": at, "refused_by": "peer", "connection": "100.64.0.1:4001 to 100.64.0.2:81"},
	})

	exact := v.query(t, quoted(a, node)+` exitTraffic:* | limit 1`)
	qt.Assert(t, exact, qt.HasLen, 1)
	qt.Check(t, exact[0]["exitTraffic"], qt.Equals, `[{"txPkts":3,"txBytes":18446744073709551615,"rxBytes":18446744073709551615}]`)

	lost := v.query(t, `droppedEntries:=3 logtail.proc_id:=7 | limit 1`)
	qt.Assert(t, lost, qt.HasLen, 1)
	qt.Check(t, lost[0]["_msg"], qt.Equals, "logtail: 3 entries were dropped before they could be delivered")
	qt.Check(t, lost[0]["droppedBytes"], qt.Equals, "18446744073709551615")
}

// quoted returns a stream with its field quoted if it must be.
func quoted(stream, field string) string { return "{" + field + stream[strings.Index(stream, "="):] }
