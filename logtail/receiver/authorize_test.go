package receiver_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

// TestAuthorizeSeesNoPrivateID checks that Authorize does not see a private ID that a mux, a
// middleware or a proxy has copied elsewhere.
func TestAuthorizeSeesNoPrivateID(t *testing.T) {
	c := qt.New(t)
	private, text := testID(0xab)
	_, copied := testID(0xcd)
	var seen string
	h := &receiver.Handler{Sink: new(memory), Authorize: func(r *http.Request, _ string, _ logtail.PublicID) error {
		body, err := io.ReadAll(r.Body)
		c.Check(err, qt.IsNil)
		c.Check(body, qt.HasLen, 0)
		c.Check(r.URL.Path, qt.Equals, "/c/netlog/"+private.Public().String())
		c.Check(r.Header.Get("Authorization"), qt.Equals, "Bearer b")
		c.Check(r.Header.Get("X-Real-IP"), qt.Equals, "192.0.2.7%")
		seen = fmt.Sprintf("%+v %q", *r, r.PathValue("id"))
		r.Header.Del("Content-Encoding") // must not affect the original
		return nil
	}}
	mux := http.NewServeMux()
	mux.Handle("POST /c/{collection}/{id}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.Check(r.ParseForm(), qt.IsNil)
		h.ServeHTTP(w, r)
	}))
	url := "/c/netlog/" + text + "?copyId=" + copied
	r := httptest.NewRequest("POST", url, strings.NewReader(storetest.Compress("{}")))
	r.Header = http.Header{
		"Authorization":    {"Bearer b"},
		"Content-Encoding": {"zstd"},
		"X-Real-Ip":        {"192.0.2.7%"},
		"Referer":          {"https://example.com" + url},
		"X-Original-Uri":   {"/", strings.ToUpper(url)},
		"X-Copy":           {copied},
		"X-Escaped":        {"%2Fc%2Fnetlog%2F%61" + text[1:]},
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	c.Assert(w.Code, qt.Equals, 200, qt.Commentf("%s", w.Body))
	for _, secret := range []string{text[:16], copied[:16]} {
		c.Check(strings.ToLower(seen), qt.Not(qt.Contains), secret)
	}
	c.Check(seen, qt.Not(qt.Contains), "X-Escaped")
}
