package receiver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
)

func TestMethods(t *testing.T) {
	c := qt.New(t)
	h := &receiver.Handler{Sink: new(memory)}
	_, id := testID(1)
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/c/c/"+id, nil))
		c.Check(w.Code, qt.Equals, 405)
		c.Check(w.Header().Get("Allow"), qt.Equals, "POST")
	}
	c.Check(post(h, `{}`, "Content-Encoding", "br").Header().Get("Accept-Encoding"), qt.Equals, "zstd, gzip")
}

func TestAuthorize(t *testing.T) {
	c := qt.New(t)
	private, text := testID(1)
	sink := new(memory)
	var err error
	var got string
	h := &receiver.Handler{Sink: sink, Authorize: func(r *http.Request, collection string, id logtail.PublicID) error {
		got = fmt.Sprintf("%s %s %s %s %s %v", r.Header.Get("Authorization"), r.URL, r.RequestURI, r.RemoteAddr, collection, id == private.Public())
		return err
	}}
	send := func() int { return postTo(h, "/p/c/x/"+text+"?copyId="+text, `{}`, "Authorization", "Bearer b").Code }
	c.Check(send(), qt.Equals, 200)
	c.Check(got, qt.Equals, "Bearer b /p/c/x/"+private.Public().String()+"  192.0.2.1:1234 x true")
	c.Check(sink.take(), qt.HasLen, 1)
	err = errors.New("no")
	c.Check(send(), qt.Equals, 403)
	err = fmt.Errorf("no token: %w", receiver.ErrUnauthorized)
	c.Check(send(), qt.Equals, 401)
	c.Check(sink.take(), qt.HasLen, 0)
	c.Check(h.Stats().Forbidden, qt.Equals, uint64(2))
}

// TestRequestFromBrowserRefused checks that a web page cannot make a browser store entries.
func TestRequestFromBrowserRefused(t *testing.T) {
	c := qt.New(t)
	sink := new(memory)
	h := &receiver.Handler{Sink: sink}
	for _, header := range [][]string{
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Sec-Fetch-Site", "same-origin", "Origin", "http://example.com"}, // the Host of the request: DNS rebinding
	} {
		w := post(h, `{}`, append(header, "Content-Type", "text/plain")...)
		c.Check(w.Code, qt.Equals, 403, qt.Commentf("%v", header))
	}
	c.Check(sink.take(), qt.HasLen, 0)
	c.Check(post(h, `{}`, "Content-Type", "text/plain").Code, qt.Equals, 200)
}

// TestPrivateIDNotStored looks for a private ID in everything that a Handler returns, logs and stores.
func TestPrivateIDNotStored(t *testing.T) {
	c := qt.New(t)
	var out bytes.Buffer
	_, text := testID(0xab)
	sink := new(memory)
	h := &receiver.Handler{Sink: sink, Logf: func(f string, a ...any) { fmt.Fprintf(&out, f, a...) }}
	for _, fail := range []error{nil, errors.New("broken"), nil} {
		sink.fail = func(context.Context) error { return fail }
		for _, body := range []string{`{}`, `[`, `{"a":1}`} {
			w := postTo(h, "/c/c/"+text+"?copyId="+text, body)
			fmt.Fprintf(&out, "%v %s", w.Header(), w.Body)
		}
	}
	fmt.Fprintf(&out, "%+v %v %v", h.Stats(), sink.entries, sink.batches)
	c.Check(out.String(), qt.Not(qt.Contains), text[:16])
}

func TestPathPrefix(t *testing.T) {
	c := qt.New(t)
	sink := new(memory)
	h := &receiver.Handler{Sink: sink}
	mux := http.NewServeMux()
	mux.Handle("/logs/c/", h)
	mux.Handle("/stripped/", http.StripPrefix("/stripped", h))
	_, id := testID(1)
	for _, path := range []string{"/logs/c/a/", "/stripped/c/a/"} {
		c.Check(postTo(mux, path+id, `{}`).Code, qt.Equals, 200)
	}
	c.Check(sink.take(), qt.HasLen, 2)
}
