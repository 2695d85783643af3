package logtail_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

func TestSmoke(t *testing.T) {
	c := qt.New(t)
	var bodies []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies = append(bodies, r.URL.Path[:8]+" "+r.Header.Get("Content-Encoding")+" "+string(b))
	}))
	defer srv.Close()
	l, err := logtail.NewLogger(logtail.Config{Collection: "test", PrivateID: logtail.NewPrivateID(), BaseURL: srv.URL, DisableCompression: true, Logf: t.Logf})
	c.Assert(err, qt.IsNil)
	for i := range 5 {
		l.Write([]byte(`{"a":` + strconv.Itoa(i) + `}`))
	}
	l.WriteObject(func(dst []byte) []byte { return append(dst, `"b":1`...) })
	l.Logf("hello %d", 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	c.Check(l.Shutdown(ctx), qt.IsNil)
	t.Log(strings.Join(bodies, "\n"))
	t.Logf("%+v", l.Stats())
}
