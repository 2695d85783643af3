package logtail_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

// uploadFault runs a Logger that uploads to a server with the given script. It returns the lines
// that it logs, and all that it logs, returns and shows.
func uploadFault(t *testing.T, cfg logtail.Config, script func(*request) reply) (lines []string, all string) {
	t.Helper()
	run(t, script, cfg, func(_ *qt.C, _ *collector, l *testLogger) {
		l.write(0, 1)
		time.Sleep(time.Minute)
		var out bytes.Buffer
		printAll(&out, l.Stats(), l.Stats().LastError)
		printErrors(&out, l.shutdown(0))
		lines = l.lines()
		all = strings.Join(lines, "\n") + out.String()
	})
	return lines, all
}

// TestEchoHidesRequest has answers and errors in which servers, proxies and their languages repeat
// a part of the request that they refuse.
func TestEchoHidesRequest(t *testing.T) {
	header := func(name, value string) logtail.Config {
		return logtail.Config{Header: http.Header{name: {value}}}
	}
	const path = "s3cr3t-tenant-key"
	long := "Bearer eyJ" + strings.Repeat("SECRETPIECE", 500)
	bearer := func(r *request) string { return r.header.Get("Authorization") }
	for _, test := range []struct {
		name   string
		cfg    logtail.Config
		echo   func(*request) string
		secret string // words that must not show
	}{
		{"path of BaseURL", logtail.Config{BaseURL: "https://host.example/" + path},
			func(r *request) string { return "Cannot POST " + strings.TrimPrefix(r.url, "https://host.example") }, path},
		{"element of URL", logtail.Config{URL: "https://host.example/ingest/" + path + "/json"},
			func(r *request) string { return "no such stream: " + strings.Split(r.url, "/")[4] }, path},
		{"JSON with escaped slashes", header("Authorization", "Bearer xyz/stu+ghi/jklmnop=="),
			func(r *request) string { return `{"error":"` + strings.ReplaceAll(bearer(r), "/", `\/`) + `"}` }, "xyz stu+ghi jklmnop"},
		{"JSON safe for HTML", header("X-Key", "xyz&stu<ghi>jklmnop"),
			func(r *request) string { b, _ := json.Marshal(r.header.Get("X-Key")); return string(b) }, "xyz stu ghi jklmnop"},
		{"%q", header("Authorization", "Bearer abcdefgh\tijklmnop\\qrs\"tuv"),
			func(r *request) string { return fmt.Sprintf("missing colon: %q", bearer(r)) }, "abcdefgh ijklmnop qrs tuv"},
		{"longer than what is read", header("Authorization", long), bearer, "SECRETPIECE"},
		{"the last one cut", header("Authorization", long[:1500]),
			func(r *request) string { return strings.Repeat(bearer(r)+" ", 3) }, "SECRETPIECE"},
		{"decoded Basic credentials", header("Authorization", "Basic dXNlcjpodW50ZXIyaHVudGVyMg=="),
			func(*request) string { return "user with password hunter2hunter2" }, "hunter2"},
		{"one cookie", header("Cookie", "a=1; session=hunter2"),
			func(*request) string { return "no session hunter2" }, "hunter2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, script := range []func(*request) reply{
				func(r *request) reply { return reply{status: 404, body: test.echo(r)} },
				func(r *request) reply { return reply{err: errors.New("malformed header: " + test.echo(r))} },
			} {
				_, all := uploadFault(t, test.cfg, script)
				for piece := range strings.FieldsSeq(test.secret) {
					qt.Check(t, strings.Contains(all, piece), qt.IsFalse, qt.Commentf("%q in %s", piece, all))
				}
				qt.Check(t, all, qt.Contains, "[hidden]")
			}
		})
	}
}

// TestErrorsQuotedAndCut has texts that another machine chooses: the reason of a refused CONNECT,
// the names in a certificate, a status line. They must not add lines to the log.
func TestErrorsQuotedAndCut(t *testing.T) {
	for name, text := range map[string]string{
		"reason of a proxy":   "\x1b[2Jall is well\x07" + strings.Repeat("A", 50_000),
		"certificate":         "x509: certificate is valid for a\nnetlog: uploading again after 1s\x1b[2J, not localhost",
		"status line":         `malformed HTTP status code "` + strings.Repeat(`\x1b`, 60_000) + `"`,
		"no ASCII":            "\u202ereversed \u0085 \xff",
		"an error of Windows": "connectex: \u043d\u0435\u0442",
	} {
		t.Run(name, func(t *testing.T) {
			lines, all := uploadFault(t, logtail.Config{}, fail(errors.New(text)))
			qt.Assert(t, lines, qt.HasLen, 1)
			qt.Check(t, len(lines[0]) < 700, qt.IsTrue, qt.Commentf("%d bytes", len(lines[0])))
			for _, b := range []byte(lines[0]) {
				qt.Assert(t, b >= ' ' && b <= '~', qt.IsTrue, qt.Commentf("%q", lines[0]))
			}
			qt.Check(t, strings.Contains(all, "\x1b"), qt.IsFalse)
		})
	}
	lines, _ := uploadFault(t, logtail.Config{}, fail(errRefused))
	qt.Check(t, lines[0], qt.Contains, "cannot upload to http://127.0.0.1:8641: "+errRefused.Error())
}
