package logtail_test

import (
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
)

func TestConfigErrorsNameField(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*logtail.Config)
		want   string
	}{
		{"no collection", func(cfg *logtail.Config) { cfg.Collection = "" }, `logtail: Collection "": want 1 to 64 characters`},
		{"long collection", func(cfg *logtail.Config) { cfg.Collection = strings.Repeat("x", 65) }, `logtail: Collection "x{65}": want 1 to 64 characters`},
		{"slash", func(cfg *logtail.Config) { cfg.Collection = "a/b" }, `logtail: Collection "a/b": want letters, digits, .*`},
		{"dots first", func(cfg *logtail.Config) { cfg.Collection = "../x" }, `logtail: Collection "../x": want a letter or digit first`},
		{"not ASCII", func(cfg *logtail.Config) { cfg.Collection = "é" }, `logtail: Collection "é": .*`},
		{"no identity", func(cfg *logtail.Config) { cfg.PrivateID = logtail.PrivateID{} }, `logtail: PrivateID: is not set`},
		{"encoding", func(cfg *logtail.Config) { cfg.Encoding = 7 }, `logtail: Encoding: unknown value 7`},
		{"gzip, and nothing", func(cfg *logtail.Config) { cfg.Gzip, cfg.DisableCompression = true, true }, `logtail: Gzip: DisableCompression is set too`},
		{"flush delay", func(cfg *logtail.Config) { cfg.FlushDelay = -1 }, `logtail: FlushDelay: -1ns is negative`},
		{"no URL", func(cfg *logtail.Config) { cfg.BaseURL = "http://%zz" + token }, `logtail: BaseURL: is not a URL like https://host:8641`},
		{"no scheme", func(cfg *logtail.Config) { cfg.BaseURL = "host" + token }, `logtail: BaseURL: want http://host or https://host`},
		{"other scheme", func(cfg *logtail.Config) { cfg.BaseURL = "ftp://" + token }, `logtail: BaseURL: want http://host or https://host`},
		{"no host", func(cfg *logtail.Config) { cfg.BaseURL = "https:///" + token }, `logtail: BaseURL: has no host`},
		{"user", func(cfg *logtail.Config) { cfg.BaseURL = "https://" + token + "@h" }, `logtail: BaseURL: has a user name or password .*`},
		{"query", func(cfg *logtail.Config) { cfg.BaseURL = "https://h?" + token }, `logtail: BaseURL: has a query .*`},
		{"fragment", func(cfg *logtail.Config) { cfg.BaseURL = "https://h#" + token }, `logtail: BaseURL: has a fragment`},
		{"plain http", func(cfg *logtail.Config) { cfg.BaseURL = "http://h.example/" + token }, `logtail: BaseURL: plain http to another host needs AllowInsecure`},
		{"plain http to an address", func(cfg *logtail.Config) { cfg.BaseURL = "http://128.0.0.1" }, `logtail: BaseURL: plain http .*`},
		{"URL with user", func(cfg *logtail.Config) { cfg.URL = "https://" + token + "@h/x" }, `logtail: URL: has a user name or password .*`},
		{"URL with plain http", func(cfg *logtail.Config) { cfg.URL = "http://h/x?key=" + token }, `logtail: URL: plain http .*`},
		{"no header name", func(cfg *logtail.Config) { cfg.Header = http.Header{"": {token}} }, `logtail: Header "": is not a header name`},
		{"header name", func(cfg *logtail.Config) { cfg.Header = http.Header{"a b": {token}} }, `logtail: Header "a b": is not a header name`},
		{"header value", func(cfg *logtail.Config) { cfg.Header = http.Header{"X": {token + "\r\nY: z"}} }, `logtail: Header "X": has a control character in its value`},
		{"header of ours", func(cfg *logtail.Config) { cfg.Header = http.Header{"content-encoding": {token}} }, `logtail: Header "content-encoding": is set by the uploader`},
		{"idempotency", func(cfg *logtail.Config) { cfg.Header = http.Header{"Idempotency-Key": {token}} }, `logtail: Header "Idempotency-Key": is set by the uploader`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := qt.New(t)
			cfg := logtail.Config{Collection: "test", PrivateID: secrettest.NewID()}
			test.change(&cfg)
			_, err := logtail.NewLogger(cfg)
			c.Assert(err, qt.ErrorMatches, test.want)
			c.Check(strings.Contains(err.Error(), token), qt.IsFalse)
		})
	}
}

func TestConfigUploadURL(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*logtail.Config)
		url    string // of the request, with ID for the PrivateID and COPY for the CopyPrivateID
	}{
		{"default", func(cfg *logtail.Config) {}, "http://127.0.0.1:8641/c/test/ID"},
		{"base with a path", func(cfg *logtail.Config) { cfg.BaseURL = "https://h.example/logs/" }, "https://h.example/logs/c/test/ID"},
		{"localhost", func(cfg *logtail.Config) { cfg.BaseURL = "http://localhost:1" }, "http://localhost:1/c/test/ID"},
		{"127/8", func(cfg *logtail.Config) { cfg.BaseURL = "http://127.9.9.9" }, "http://127.9.9.9/c/test/ID"},
		{"::1", func(cfg *logtail.Config) { cfg.BaseURL = "http://[::1]:80" }, "http://[::1]:80/c/test/ID"},
		{"insecure", func(cfg *logtail.Config) { cfg.BaseURL, cfg.AllowInsecure = "http://h.example", true }, "http://h.example/c/test/ID"},
		{"copy", func(cfg *logtail.Config) { cfg.CopyPrivateID = logtail.PrivateID{1} }, "http://127.0.0.1:8641/c/test/ID?copyId=COPY"},
		{"64 characters", func(cfg *logtail.Config) { cfg.Collection = "0" + strings.Repeat("-_.", 21) }, "http://127.0.0.1:8641/c/0" + strings.Repeat("-_.", 21) + "/ID"},
		{"fixed URL", func(cfg *logtail.Config) {
			cfg.URL, cfg.Collection = "https://h.example/insert/jsonline?_stream_fields=node&x=a%2Fb", ""
		}, "https://h.example/insert/jsonline?_stream_fields=node&x=a%2Fb"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := logtail.Config{Collection: "test", PrivateID: secrettest.NewID()}
			test.change(&cfg)
			run(t, nil, cfg, func(c *qt.C, srv *collector, l *testLogger) {
				l.write(0, 1)
				l.drain()
				id, _ := cfg.PrivateID.MarshalText()
				copyID, _ := cfg.CopyPrivateID.MarshalText()
				want := strings.NewReplacer("/ID", "/"+string(id), "=COPY", "="+string(copyID)).Replace(test.url)
				c.Check(srv.seen()[0].url, qt.Equals, want)
			})
		})
	}
}

func TestRequestHeaders(t *testing.T) {
	c := qt.New(t)
	collector := newCollector(t, nil)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		c.Check(r.Method, qt.Equals, http.MethodPost)
		collector.ServeHTTP(w, r)
	}))
	defer srv.Close()
	jar, _ := cookiejar.New(nil)
	for _, withClient := range []bool{false, true} {
		cfg := logtail.Config{Header: http.Header{"authorization": {"Bearer x"}, "X-Many": {"1", "2"}}}
		if withClient {
			cfg.HTTPClient = &http.Client{Transport: logtail.NewTransport(), Jar: jar}
		}
		l := startReal(t, srv.URL, cfg)
		l.write(0, 1)
		c.Assert(l.Flush(t.Context()), qt.IsNil)
		l.writeSized(1, 2, 1000)
		l.drain()
	}
	for i, r := range collector.seen() {
		h := r.header
		c.Check(h["Authorization"], qt.DeepEquals, []string{"Bearer x"})
		c.Check(h["X-Many"], qt.DeepEquals, []string{"1", "2"})
		c.Check(h["Content-Type"], qt.DeepEquals, []string{"application/json"})
		for _, absent := range []string{"User-Agent", "Cookie", "Referer", "Accept-Encoding", "Idempotency-Key"} {
			c.Check(h[absent], qt.IsNil, qt.Commentf(absent))
		}
		small := i%2 == 0 // too small to compress
		c.Check(h.Get("Content-Encoding") == "", qt.Equals, small)
		c.Check(h.Get("Orig-Content-Length") == "", qt.Equals, small)
	}
	c.Check(len(collector.seen()), qt.Equals, 4)
}

func TestCompressionOnlyIfSmaller(t *testing.T) {
	noise := make([]byte, 300)
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = '#' + byte(rnd.IntN('['-'#')) // without quotes and backslashes
	}
	for _, test := range []struct {
		name   string
		pad    string
		shrink bool
	}{
		{"a long body that shrinks", strings.Repeat("x", 2000), true},
		{"a short one", strings.Repeat("x", 100), false},
		{"a long one that hardly shrinks", string(noise), false},
	} {
		for coding, cfg := range map[string]logtail.Config{"zstd": {}, "gzip": {Gzip: true}, "": {DisableCompression: true}} {
			run(t, nil, cfg, func(c *qt.C, srv *collector, l *testLogger) {
				l.Write([]byte(`{"pad":"` + test.pad + `"}`))
				l.drain()
				r := srv.seen()[0]
				about := qt.Commentf("%s, %q", test.name, coding)
				want := ""
				if test.shrink {
					want = coding
				}
				c.Check(r.header.Get("Content-Encoding"), qt.Equals, want, about)
				c.Check(len(r.raw) < len(r.body)-64, qt.Equals, want != "", about)
				c.Check(len(r.body) > 256, qt.Equals, test.name != "a short one", about)
			})
		}
	}
}

func TestNDJSONBodies(t *testing.T) {
	run(t, nil, logtail.Config{Encoding: logtail.NDJSON, FlushDelay: time.Second}, func(c *qt.C, srv *collector, l *testLogger) {
		l.Write([]byte("{\"n\":0,\n\"a\":\r\n[1]}"))
		l.Write([]byte("text\nof two lines"))
		l.write(1, 3)
		l.drain()
		c.Check(srv.numbers(), qt.DeepEquals, count(3))
		r := srv.seen()[0]
		c.Check(r.header.Get("Content-Type"), qt.Equals, "application/x-ndjson")
		c.Check(strings.Count(string(r.body), "\n"), qt.Equals, 4)
		c.Check(string(r.body), qt.Contains, `,"n":0, "a":  [1]}`+"\n")
	})
}

func TestBodiesAreBounded(t *testing.T) {
	for _, cfg := range []logtail.Config{{}, {Encoding: logtail.NDJSON}, {Gzip: true}} {
		cfg.FlushDelay = time.Second
		run(t, nil, cfg, func(c *qt.C, srv *collector, l *testLogger) {
			for n := range 3000 {
				l.writeSized(n, n+1, n%300)
			}
			l.writeSized(3000, 3001, 400<<10)
			l.write(3001, 3010)
			l.drain()
			c.Check(srv.numbers(), qt.DeepEquals, count(3010))
			for _, r := range srv.seen() {
				c.Check(len(r.body) <= 256<<10 || len(r.entries) == 1, qt.IsTrue, qt.Commentf("%d bytes", len(r.body)))
				c.Check(len(r.raw) < len(r.body), qt.IsTrue)
			}
			c.Check(len(srv.seen()) <= 7, qt.IsTrue)
		})
	}
}
