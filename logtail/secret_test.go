package logtail_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
)

// TestNoSecretInAnyError has answers and errors that repeat the request in many ways. The ID, the
// header values and the token in the URL must not show in anything that is logged, returned or
// printed.
func TestNoSecretInAnyError(t *testing.T) {
	id, copyID := secrettest.NewID(), secrettest.NewID()
	idText, _ := id.MarshalText()
	copyText, _ := copyID.MarshalText()
	hexID, hexCopy := string(idText), string(copyText)
	path := "/c/test/" + hexID + "?copyId=" + hexCopy
	upload := "http://127.0.0.1:8641" + path
	everything := "ID " + hexID + " " + strings.ToUpper(hexID) + " copy " + hexCopy + " half " + hexID[10:40] +
		" url " + upload + " quoted " + url.QueryEscape(upload) + " Bearer " + token + " " + strings.ToUpper(token)
	echo := func(code int) func(*request) reply {
		return func(*request) reply {
			return reply{status: code, body: everything, header: http.Header{
				"Location": {upload, "http://%zz/" + hexID}, "Retry-After": {hexID}, "X-Echo": {token},
			}}
		}
	}
	for _, test := range []struct {
		name   string
		script func(*request) reply
	}{
		{"301", echo(301)},
		{"400", echo(400)},
		{"401", echo(401)},
		{"404", echo(404)},
		{"407", echo(407)},
		{"413", echo(413)},
		{"415", echo(415)},
		{"422", echo(422)},
		{"429", echo(429)},
		{"500", echo(500)},
		{"503", echo(503)},
		{"long echo", func(*request) reply {
			return reply{status: 500, body: strings.Repeat("-", 190) + hexID}
		}},
		{"long echo of many", func(*request) reply {
			return reply{status: 500, body: strings.Repeat(hexID, 100)}
		}},
		{"echo across the end of the part that is read", func(*request) reply {
			return reply{status: 500, body: strings.Repeat(" ", 4060) + hexID}
		}},
		{"url.Error", fail(&url.Error{Op: "Post", URL: upload, Err: errRefused})},
		{"nested url.Error", fail(fmt.Errorf("retry: %w", &url.Error{Op: "Post", URL: upload, Err: &url.Error{Op: "parse", URL: upload, Err: errors.New(everything)}}))},
		{"error that names the URL", fail(fmt.Errorf("failed to parse Location header %q: %w", upload, errors.New(everything)))},
		{"proxy with a password", fail(errors.New("proxyconnect tcp: http://user:" + token + "@proxy.example:3128: no"))},
		{"empty error", fail(errors.New(""))},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := logtail.Config{
				Collection: "test", PrivateID: id, CopyPrivateID: copyID,
				Header: http.Header{"Authorization": {"Bearer " + token}, "X-Other": {token}},
			}
			run(t, test.script, cfg, func(c *qt.C, srv *collector, l *testLogger) {
				var out bytes.Buffer
				l.write(0, 3)
				time.Sleep(time.Minute)
				s := l.Stats()
				c.Assert(s.LastError, qt.IsNotNil)
				c.Check(l.lines(), qt.HasLen, 1)
				io.WriteString(&out, strings.Join(l.lines(), "\n"))
				printAll(&out, s, s.LastError, l.Logger, cfg, &cfg)
				err := l.shutdown(0)
				c.Assert(err, qt.IsNotNil)
				printErrors(&out, err)
				for _, secret := range []logtail.PrivateID{id, copyID} {
					checkHidden(c, secret, test.name, out.String())
				}
				c.Check(strings.Contains(strings.ToLower(out.String()), token), qt.IsFalse, qt.Commentf("%s", out.String()))
				c.Check(srv.seen()[0].url, qt.Equals, upload)
			})
		})
	}
}

// printErrors prints err, which may be nil, and the errors that it wraps.
func printErrors(w io.Writer, err error) {
	if err == nil {
		return
	}
	for err := range unwrapAll(err) {
		printAll(w, err)
	}
}

func unwrapAll(err error) func(func(error) bool) {
	return func(yield func(error) bool) {
		for queue := []error{err}; len(queue) > 0; queue = queue[1:] {
			switch e := queue[0].(type) {
			case interface{ Unwrap() error }:
				queue = append(queue, e.Unwrap())
			case interface{ Unwrap() []error }:
				queue = append(queue, e.Unwrap()...)
			}
			if !yield(queue[0]) {
				return
			}
		}
	}
}

// printAll prints values in every way that a log may contain them.
func printAll(w io.Writer, values ...any) {
	for _, v := range values {
		fmt.Fprintf(w, "%v\n%+v\n%#v\n%s\n%q\n%x\n%X\n", v, v, v, v, v, v, v)
		b, _ := json.Marshal(v)
		w.Write(b)
		slog.New(slog.NewJSONHandler(w, nil)).Info("", "v", v)
		slog.New(slog.NewTextHandler(w, nil)).Info("", "v", v)
	}
}

func TestConfigShowsNoSecret(t *testing.T) {
	c := qt.New(t)
	id := secrettest.NewID()
	cfg := logtail.Config{
		Collection: "flows", PrivateID: id, CopyPrivateID: id,
		BaseURL: "https://user:" + token + "@host.example/" + token,
		URL:     "https://host.example/insert/" + token + "?key=" + token,
		Header:  http.Header{"Authorization": {"Bearer " + token}},
		Logf:    t.Logf,
	}
	var out bytes.Buffer
	printAll(&out, cfg, &cfg, struct{ Upload logtail.Config }{cfg}, []logtail.Config{cfg})
	checkHidden(c, id, "Config", out.String())
	c.Check(strings.Contains(out.String(), token), qt.IsFalse, qt.Commentf("%s", out.String()))
	c.Check(out.String(), qt.Contains, "https://host.example")
	c.Check(out.String(), qt.Contains, id.Public().String())
	b, err := json.Marshal(cfg)
	c.Check(err, qt.IsNil)
	c.Check(string(b), qt.Contains, `"Collection":"flows"`)
}

// TestConfigInStructExportedOrByPointer has structs as the docs of Config and PrivateID recommend
// them.
func TestConfigInStructExportedOrByPointer(t *testing.T) {
	id := secrettest.NewID()
	cfg := logtail.Config{PrivateID: id, URL: "https://host.example/" + token, Header: http.Header{"X": {token}}}
	exported := struct {
		ID     logtail.PrivateID
		Upload logtail.Config
	}{id, cfg}
	pointers := struct {
		id     *logtail.PrivateID
		upload *logtail.Config
	}{&id, &cfg}
	var out bytes.Buffer
	for _, v := range []any{exported, pointers, &exported, &pointers} {
		fmt.Fprintf(&out, "%v\n%+v\n%#v\n", v, v, v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("", "v", v)
	}
	fmt.Fprintf(&out, "%s\n%q\n%x\n", exported, exported, exported)
	secrettest.Check(t, "a host", out.String())
}

func TestConfigURLIsSecret(t *testing.T) {
	upload := "https://host.example/insert/" + token + "?key=" + token + "&x=1"
	err := fmt.Errorf("Post %q: lookup host.example (/insert/%s): key=%s", upload, token, token)
	run(t, fail(err), logtail.Config{URL: upload}, func(c *qt.C, srv *collector, l *testLogger) {
		var out bytes.Buffer
		l.write(0, 1)
		time.Sleep(time.Second)
		printAll(&out, l.lines(), l.Stats(), l.Logger, l.shutdown(0))
		c.Check(strings.Contains(out.String(), token), qt.IsFalse, qt.Commentf("%s", out.String()))
		c.Check(srv.seen()[0].url, qt.Equals, upload)
	})
}
