package receiver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

// memory is a Sink that keeps copies. If fail is not nil, Store calls it first and returns its error.
type memory struct {
	mu      sync.Mutex
	entries []string
	batches []receiver.Batch // without their entries
	fail    func(ctx context.Context) error
}

func (m *memory) Store(ctx context.Context, b receiver.Batch) error {
	if m.fail != nil {
		if err := m.fail(ctx); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range b.Entries {
		m.entries = append(m.entries, string(e))
	}
	b.Entries = nil
	m.batches = append(m.batches, b)
	return nil
}

// take returns what was stored since the last call.
func (m *memory) take() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	entries := m.entries
	m.entries = nil
	return entries
}

// testID returns the nth private ID and its text.
func testID(n byte) (logtail.PrivateID, string) {
	var id logtail.PrivateID
	id[0] = n
	return id, fmt.Sprintf("%02x", n) + strings.Repeat("0", 62)
}

// post sends body as node 1 to the collection c.
func post(h http.Handler, body string, header ...string) *httptest.ResponseRecorder {
	_, id := testID(1)
	return postTo(h, "/c/c/"+id, body, header...)
}

// postTo sends body to a path, with header as names and values by turns.
func postTo(h http.Handler, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	for n := 0; n < len(header); n += 2 {
		r.Header.Set(header[n], header[n+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestBodyFormats(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       []string // the members after "logtail" of each entry
	}{
		{"an array", `[{"a":1},{"b":2}]`, []string{`"a":1`, `"b":2`}},
		{"an empty array", ` [ ] `, nil},
		{"lines", "{\"a\":1}\n{\"b\":2}\n", []string{`"a":1`, `"b":2`}},
		{"lines that end in CR LF", "{\"a\":1}\r\n{\"b\":2}\r\n", []string{`"a":1`, `"b":2`}},
		{"a single object", `{"a":1}`, []string{`"a":1`}},
		{"an object on several lines is stored on one", "{\n\t\"a\": [\n1],\r\n\"b\":2\n}", []string{" \t\"a\": [ 1],  \"b\":2 "}},
		{"an object without members", `{}`, []string{``}},
		{"metadata of the client is removed", `{"logtail":{"x":1},"a":1}`, []string{`"a":1`}},
		{"metadata in the middle", `{"a":1 , "logtail" : null , "b":2}`, []string{`"a":1 , "b":2`}},
		{"metadata between line breaks", "{\"a\":\n1,\n\"logtail\":\n{},\n\"b\":\n2\n}", []string{"\"a\": 1, \"b\": 2 "}},
		{"metadata at the end", `{"a":1,"logtail":[]}`, []string{`"a":1`}},
		{"metadata only", `{ "logtail":{} }`, []string{``}},
		{"metadata with an escaped name", `{"\u006cogtail":{"id":"x"},"a":1}`, []string{`"a":1`}},
		{"numbers, escapes, order and blanks remain", `{"z": 18446744073709551615, "a":"\u0000\ud83d\uDE00é", "e":1E+2}`,
			[]string{`"z": 18446744073709551615, "a":"\u0000\ud83d\uDE00é", "e":1E+2`}},
		{"64 levels", `{"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`,
			[]string{`"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := qt.New(t)
			for _, encoding := range []string{"", "identity", "zstd", " ZSTD ", "gzip", "X-Gzip", "gzip in parts"} {
				sink := new(memory)
				h := &receiver.Handler{Sink: sink}
				sent, length := test.body, strconv.Itoa(len(test.body))
				switch encoding {
				case "zstd", " ZSTD ":
					sent = storetest.Compress(sent)
				case "gzip", "X-Gzip":
					sent = storetest.Gzip(sent)
				case "gzip in parts": // some shippers append a member for each flush
					encoding, sent = "gzip", storetest.Gzip(sent[:2])+storetest.Gzip("")+storetest.Gzip(sent[2:])
				}
				header := []string{"Content-Encoding", encoding, "Orig-Content-Length", length}
				w := post(h, sent, header...)
				c.Assert(w.Code, qt.Equals, 200, qt.Commentf("%s", w.Body))
				got := sink.take()
				c.Assert(got, qt.HasLen, len(test.want))
				for n, e := range got {
					c.Check(json.Valid([]byte(e)), qt.IsTrue)
					_, rest, ok := strings.Cut(e, `"}`)
					c.Assert(ok, qt.IsTrue)
					want := test.want[n] + "}"
					if want != "}" {
						want = "," + want
					}
					c.Check(rest, qt.Equals, want)
				}
			}
		})
	}
}
