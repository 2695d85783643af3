package receiver_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
)

// TestUploaderGzip sends with gzip to a Handler on a real connection.
func TestUploaderGzip(t *testing.T) {
	c := qt.New(t)
	sink := new(memory)
	h := &receiver.Handler{Sink: sink}
	var codings []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		codings = append(codings, r.Header.Get("Content-Encoding"))
		h.ServeHTTP(w, r)
	}))
	defer srv.Close()
	private, _ := testID(1)
	logger, err := logtail.NewLogger(logtail.Config{Collection: "c", PrivateID: private, BaseURL: srv.URL, Gzip: true})
	c.Assert(err, qt.IsNil)
	for n := range 3 {
		_, err = fmt.Fprintf(logger, `{"n":%d,"pad":%q}`, n, strings.Repeat("x", 10_000))
		c.Assert(err, qt.IsNil)
		c.Assert(logger.Flush(t.Context()), qt.IsNil)
	}
	c.Assert(logger.Shutdown(t.Context()), qt.IsNil)
	c.Check(codings, qt.DeepEquals, []string{"gzip", "gzip", "gzip"})
	stored := sink.take()
	c.Assert(stored, qt.HasLen, 3)
	for n, e := range stored {
		c.Check(e, qt.Contains, fmt.Sprintf(`"n":%d,"pad":"xxx`, n))
	}
	c.Check(h.Stats().OtherErrors, qt.Equals, uint64(0))
}

// FuzzUploaderEntriesAccepted checks that the Handler stores every entry that the uploader sends,
// whatever is written: an object, text, or a member that the uploader has to move.
func FuzzUploaderEntriesAccepted(f *testing.F) {
	nested := func(depth int) string {
		return strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
	}
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"%d":0`, i)
		}
		return "{" + b.String()[1:] + "}"
	}
	for _, written := range []string{
		`{"a":1}`, "a line\n", "\xff\x00\x1b", `{"a":"\ud800"}`, "{\"a\xff\":1}", "{\n}", "\ufeff{}",
		`{"logtail":{"proc_id":1}}`, `{"LogTail":1,"a":2}`, `{"logtail.id":1,"a":2}`, `{"LOGTAIL_":1,"logtail":2}`, `{"logtail":1,"LOGTAIL":2}`, `{"a":1,"\u0061":2}`, "{\"a\xff\":1,\"a\xfe\":2}",
		nested(61), nested(62), nested(64), nested(100), `{"logtail":` + nested(60) + `}`, `{"a":1,"a":` + nested(60) + `}`,
		many(999), many(1000), many(5000),
	} {
		f.Add([]byte(written))
	}
	f.Fuzz(func(t *testing.T, written []byte) {
		if len(written) == 0 || len(written) > 64<<10 {
			return // empty, or larger than MaxEntryBytes after escaping
		}
		synctest.Test(t, func(t *testing.T) {
			c := qt.New(t)
			sink := new(memory)
			private, _ := testID(1)
			logger, err := logtail.NewLogger(logtail.Config{
				Collection: "c", PrivateID: private, FlushDelay: time.Second,
				HTTPClient: &http.Client{Transport: &direct{Handler: &receiver.Handler{Sink: sink}}},
			})
			c.Assert(err, qt.IsNil)
			_, err = logger.Write(written)
			c.Assert(err, qt.IsNil)
			_, err = logger.Write([]byte(`{"good":true}`)) // the uploader gives up an entry that is refused while another is accepted
			c.Assert(err, qt.IsNil)
			c.Assert(logger.Shutdown(t.Context()), qt.IsNil)
			c.Check(logger.Stats().LastError, qt.IsNil)
			c.Check(logger.Stats().RefusedEntries, qt.Equals, uint64(0))
			c.Check(sink.take(), qt.HasLen, 2)
		})
	})
}
