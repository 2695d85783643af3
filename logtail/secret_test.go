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
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
)

// Whatever goes wrong, nothing that is printed, returned or kept shows an ID, a
// header value or the token in a URL.
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
	fail := func(err error) func(*request) reply {
		return func(*request) reply { return reply{err: err} }
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
		{"echo across the end of what is read", func(*request) reply {
			return reply{status: 500, body: strings.Repeat(" ", 4060) + hexID}
		}},
		{"url.Error", fail(&url.Error{Op: "Post", URL: upload, Err: errRefused})},
		{"nested url.Error", fail(fmt.Errorf("retry: %w", &url.Error{Op: "Post", URL: upload, Err: &url.Error{Op: "parse", URL: upload, Err: errors.New(everything)}}))},
		{"error that names the URL", fail(fmt.Errorf("failed to parse Location header %q: %w", upload, errors.New(everything)))},
		{"proxy with a password", fail(errors.New("proxyconnect tcp: http://user:" + token + "@proxy.example:3128: no"))},
		{"empty error", fail(errors.New(""))},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				var log logLines
				var out bytes.Buffer
				srv := newCollector(t, test.script)
				cfg := logtail.Config{
					Collection: "test", PrivateID: id, CopyPrivateID: copyID,
					HTTPClient: &http.Client{Transport: srv},
					Header:     http.Header{"Authorization": {"Bearer " + token}, "X-Other": {token}},
					Logf:       log.Logf,
				}
				l, err := logtail.NewLogger(cfg)
				c.Assert(err, qt.IsNil)
				write(t, l, 0, 3)
				time.Sleep(time.Minute)
				s := l.Stats()
				c.Assert(s.LastError, qt.IsNotNil)
				c.Check(log.all(), qt.HasLen, 1)
				io.WriteString(&out, strings.Join(log.all(), "\n"))
				printAll(&out, s, s.LastError, l, cfg, &cfg)
				err = shutdown(t, l, 0)
				c.Assert(err, qt.IsNotNil)
				printAll(&out, err)
				for err := range unwrapAll(err) {
					printAll(&out, err)
				}
				for _, secret := range []logtail.PrivateID{id, copyID} {
					checkHidden(c, secret, test.name, out.String())
				}
				c.Check(strings.Contains(strings.ToLower(out.String()), token), qt.IsFalse, qt.Commentf("%s", out.String()))
				c.Check(srv.seen()[0].url, qt.Equals, upload)
			})
		})
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

// printAll prints values in every way that may be met in a log.
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

// How the docs of Config and PrivateID tell a host to keep them.
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
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		upload := "https://host.example/insert/" + token + "?key=" + token + "&x=1"
		srv := newCollector(t, func(*request) reply {
			return reply{err: fmt.Errorf("Post %q: lookup host.example (/insert/%s): key=%s", upload, token, token)}
		})
		var out bytes.Buffer
		var log logLines
		l, err := logtail.NewLogger(logtail.Config{
			PrivateID: secrettest.NewID(), URL: upload, HTTPClient: &http.Client{Transport: srv}, Logf: log.Logf,
		})
		c.Assert(err, qt.IsNil)
		write(t, l, 0, 1)
		time.Sleep(time.Second)
		printAll(&out, log.all(), l.Stats(), l, shutdown(t, l, 0))
		c.Check(strings.Contains(out.String(), token), qt.IsFalse, qt.Commentf("%s", out.String()))
		c.Check(srv.seen()[0].url, qt.Equals, upload)
	})
}
