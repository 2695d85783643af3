package page

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/pipetest"
)

// ask sends a request to p and returns the answer. An event stream ends at once.
func ask(p *Page, method, target string, header ...string) *httptest.ResponseRecorder {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := httptest.NewRequestWithContext(ctx, method, "http://localhost"+target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

var paths = []string{"/", "/page.js", "/page.css", "/data.json", "/nothing"}

func newPage(c *qt.C, opts Options) *Page {
	p := New(opts)
	c.Cleanup(p.Close)
	return p
}

// TestRequestHost checks that no page under another name can read this one (DNS rebinding).
func TestRequestHost(t *testing.T) {
	c := qt.New(t)
	p, behind := newPage(c, Options{}), newPage(c, Options{AnyHost: true})
	for host, ok := range map[string]bool{
		"localhost": true, "LOCALHOST:1": true, "127.0.0.1": true, "127.1.2.3:8642": true, "[::1]": true, "[::1]:8642": true,
		"evil.example": false, "evil.example:8642": false, "127.0.0.1.evil.example": false, "192.0.2.1": false, "localhost.evil.example": false, "": false,
	} {
		for _, path := range append(paths, "/events") {
			if w := ask(p, "GET", path, "Host", host); !ok {
				c.Check(w.Code, qt.Equals, http.StatusForbidden, qt.Commentf("%s of %q", path, host))
			} else {
				c.Check(w.Code, qt.Not(qt.Equals), http.StatusForbidden, qt.Commentf("%s of %q", path, host))
			}
		}
		c.Check(ask(behind, "GET", "/", "Host", host).Code, qt.Equals, http.StatusOK)
	}
}

// TestRequestFromAnotherSite checks that scripts of other sites get nothing, and that a link works.
func TestRequestFromAnotherSite(t *testing.T) {
	c := qt.New(t)
	p := newPage(c, Options{})
	for _, site := range []string{"cross-site", "same-site"} {
		for _, path := range append(paths, "/events") {
			c.Check(ask(p, "GET", path, "Sec-Fetch-Site", site, "Sec-Fetch-Mode", "cors").Code, qt.Equals, http.StatusForbidden)
			c.Check(ask(p, "GET", path, "Sec-Fetch-Site", site, "Sec-Fetch-Mode", "no-cors").Code, qt.Equals, http.StatusForbidden)
		}
		c.Check(ask(p, "GET", "/?q=x", "Sec-Fetch-Site", site, "Sec-Fetch-Mode", "navigate").Code, qt.Equals, http.StatusOK)
		c.Check(ask(p, "GET", "/data.json", "Sec-Fetch-Site", site, "Sec-Fetch-Mode", "navigate").Code, qt.Equals, http.StatusForbidden)
	}
	for _, site := range []string{"same-origin", "none"} {
		c.Check(ask(p, "GET", "/data.json", "Sec-Fetch-Site", site, "Sec-Fetch-Mode", "cors").Code, qt.Equals, http.StatusOK)
	}
}

func TestRequestMethods(t *testing.T) {
	c := qt.New(t)
	p := newPage(c, Options{})
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "X"} {
		for _, path := range append(paths, "/events") {
			w := ask(p, method, path)
			c.Check(w.Code, qt.Equals, http.StatusMethodNotAllowed)
			c.Check(w.Header().Get("Allow"), qt.Equals, "GET, HEAD")
		}
	}
	for _, path := range append(paths[:4:4], "/events") {
		c.Check(ask(p, "HEAD", path).Code, qt.Equals, http.StatusOK, qt.Commentf("%s", path))
	}
	for _, path := range []string{"/nothing", "/assets/page.js", "/../page.go", "/..%2fpage.go", "//", "/index.html/", "/data.json/"} {
		c.Check(ask(p, "GET", path).Code, qt.Equals, http.StatusNotFound, qt.Commentf("%s", path))
	}
}

// TestAnswerHeaders checks that the policy stands with every answer, and that it needs no exception.
func TestAnswerHeaders(t *testing.T) {
	c := qt.New(t)
	p := newPage(c, Options{})
	for _, path := range paths {
		h := ask(p, "GET", path).Header()
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "script-src 'self';", "style-src 'self';", "base-uri 'none'", "form-action 'none'"} {
			c.Check(csp, qt.Contains, want)
		}
		c.Check(csp, qt.Not(qt.Contains), "unsafe")
		c.Check(csp, qt.Not(qt.Contains), "http")
		c.Check(h.Get("X-Frame-Options"), qt.Equals, "DENY")
		c.Check(h.Get("X-Content-Type-Options"), qt.Equals, "nosniff")
		c.Check(h.Get("Referrer-Policy"), qt.Equals, "no-referrer")
		c.Check(h.Get("Cross-Origin-Resource-Policy"), qt.Equals, "same-origin")
		c.Check(h.Get("Cache-Control"), qt.Equals, "no-store")
		c.Check(h.Get("Access-Control-Allow-Origin"), qt.Equals, "")
	}
	for path, want := range map[string]string{
		"/": "text/html; charset=utf-8", "/page.js": "text/javascript; charset=utf-8", "/page.css": "text/css; charset=utf-8",
		"/icon.svg": "image/svg+xml", "/data.json": "application/json", "/data.json?x=<b>": "text/plain; charset=utf-8",
	} {
		c.Check(ask(p, "GET", path).Header().Get("Content-Type"), qt.Equals, want)
	}
}

// TestAssetsAreStrict checks that the page has nothing that the policy forbids, and no address of another host.
func TestAssetsAreStrict(t *testing.T) {
	c := qt.New(t)
	files, err := assets.ReadDir("assets")
	c.Assert(err, qt.IsNil)
	for _, f := range files {
		content, err := assets.ReadFile("assets/" + f.Name())
		c.Assert(err, qt.IsNil)
		text := strings.ReplaceAll(string(content), "http://www.w3.org/2000/svg", "") // a name, not an address
		for _, bad := range []string{"//", "<style", " style=", "onclick", "javascript:", "innerHTML", "eval(", "@import", "url("} {
			if bad == "//" && strings.HasSuffix(f.Name(), ".js") {
				bad = "://"
			}
			c.Check(text, qt.Not(qt.Contains), bad, qt.Commentf("%s", f.Name()))
		}
	}
}

// TestAnswerEscapesNames checks that text of nodes cannot become markup, even if JSON is taken for HTML.
func TestAnswerEscapesNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		p := newTestPage(t, Options{})
		name := `</script><img src=x onerror=alert(1)>`
		p.Add([][]byte{entry(1, 1, time.Now(), `"srcNode":{"name":"`+name+`","addresses":["100.64.0.1"]},"virtualTraffic":[`+flowJSON(1, 2, 80, 1, 1)+`]`)})
		synctest.Wait()
		body := ask(p, "GET", "/data.json").Body.String()
		c.Check(body, qt.Not(qt.Contains), "<")
		a := get(c, p, "")
		c.Check(a.Nodes[0].Name, qt.Equals, name)
		c.Check(a.Flows[0].Src.Name, qt.Equals, name)
	})
}

// serve serves p in a bubble, with the timeouts of a server for requests that end.
func serve(t *testing.T, p *Page) *pipetest.Listener {
	l := pipetest.NewListener()
	srv := &http.Server{Handler: p, ReadTimeout: 45 * time.Second, WriteTimeout: 60 * time.Second}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return l
}

// listen opens an event stream and returns its lines.
func listen(c *qt.C, l *pipetest.Listener) (status string, lines *bufio.Reader, close func() error) {
	conn := l.Dial()
	_, err := io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	c.Assert(err, qt.IsNil)
	lines = bufio.NewReader(conn)
	status, err = lines.ReadString('\n')
	c.Assert(err, qt.IsNil)
	return strings.TrimSpace(status), lines, conn.Close
}

// TestEvents checks that a stream outlives the timeouts of the server, hears of what is new, and ends with the page.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		p := New(Options{})
		l := serve(t, p)
		status, lines, _ := listen(c, l)
		c.Check(status, qt.Equals, "HTTP/1.1 200 OK")
		news := make(chan struct{})
		ended := make(chan error, 1)
		go func() {
			for {
				line, err := lines.ReadString('\n')
				if err != nil {
					ended <- err
					return
				}
				if strings.HasPrefix(line, "event: news") {
					news <- struct{}{}
				}
			}
		}()
		for range 100 { // steps of ten seconds, without entries
			<-news
		}
		begin := time.Now()
		p.Add([][]byte{entry(1, 1, time.Now(), `"virtualTraffic":[]`)})
		<-news
		c.Check(time.Since(begin) <= notifyEvery, qt.IsTrue)
		p.Close()
		c.Check(<-ended, qt.IsNotNil)
		status, _, _ = listen(c, l)
		c.Check(status, qt.Equals, "HTTP/1.1 503 Service Unavailable")
	})
}

// TestEventsBounded checks that a thousand idle listeners, which read nothing, take the memory of a few, and
// that neither these nor the page wait for each other.
func TestEventsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		p := newTestPage(t, Options{})
		l := serve(t, p)
		var open []func() error
		refused := 0
		for range 1000 {
			status, _, end := listen(c, l)
			if status == "HTTP/1.1 200 OK" {
				open = append(open, end)
			} else {
				c.Check(status, qt.Equals, "HTTP/1.1 503 Service Unavailable")
				refused++
				end()
			}
		}
		c.Check(open, qt.HasLen, maxListeners)
		c.Check(refused, qt.Equals, 1000-maxListeners)
		for i := range 50 {
			p.Add([][]byte{entry(1, i+1, time.Now(), `"virtualTraffic":[`+flowJSON(1, 2, 80, 1, 1)+`]`)})
			time.Sleep(notifyEvery)
		}
		synctest.Wait()
		c.Check(get(c, p, "range=15m").Flows[0].TxBytes, qt.Equals, uint64(50))
		// Those that do not read are gone by now.
		p.listeners.mu.Lock()
		c.Check(p.listeners.all, qt.HasLen, 0)
		p.listeners.mu.Unlock()
		status, _, end := listen(c, l)
		c.Check(status, qt.Equals, "HTTP/1.1 200 OK")
		end()
		for _, end := range open {
			end()
		}
	})
}

// TestCloseEndsFill checks that Close does not wait for all files.
func TestCloseEndsFill(t *testing.T) {
	p := New(Options{Dir: t.TempDir()})
	p.Close()
	p.Add([][]byte{[]byte("{}")}) // it is not an error
	if _, err := p.answer(nil); err != nil {
		t.Fatal(err)
	}
}
