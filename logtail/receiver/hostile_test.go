package receiver_test

import (
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

func TestHostileRequests(t *testing.T) {
	big := strings.Repeat(" ", 9<<20) + "{}"
	many := func(n int) string { return "[" + strings.Repeat("{},", n-1) + "{}]" }
	gzipped := storetest.Gzip(`{}`)
	_, id := testID(1)
	for _, test := range []struct {
		name, path, body string
		header           []string
		want             int
	}{
		{"not JSON", "", `hello`, nil, 400},
		{"empty", "", ``, nil, 400},
		{"blanks only", "", " \n", nil, 400},
		{"an entry that is text", "", `["text"]`, nil, 400},
		{"a number as body", "", `1`, nil, 400},
		{"an array in an array", "", `[[{}]]`, nil, 400},
		{"one invalid entry of two", "", `[{"a":1},{"b":}]`, nil, 400},
		{"an unterminated array", "", `[{"a":1}`, nil, 400},
		{"a closing bracket only", "", `{"a":1}]`, nil, 400},
		{"an object after the array", "", `[{}] {}`, nil, 400},
		{"a trailing comma", "", `[{},]`, nil, 400},
		{"a comma between objects", "", `{},{}`, nil, 400},
		{"an unterminated object", "", `{"a":1`, nil, 400},
		{"an unterminated string", "", `{"a":"`, nil, 400},
		{"an incomplete escape", "", `{"a":"\`, nil, 400},
		{"an incomplete \\u escape", "", `{"a":"\u00`, nil, 400},
		{"brackets that do not match", "", `{"a":[1}]`, nil, 400},
		{"a leading zero", "", `{"a":01}`, nil, 400},
		{"a bare minus", "", `{"a":-}`, nil, 400},
		{"a duplicate member", "", `{"a":1,"a":2}`, nil, 400},
		{"a duplicate member, escaped", "", `{"a":1,"\u0061":2}`, nil, 400},
		{"a duplicate of many members", "", `{` + members(100) + `,"m7":1}`, nil, 400},
		{"duplicate metadata", "", `{"logtail":{},"logtail":{}}`, nil, 400},
		{"metadata in upper case", "", `{"Logtail":{"id":"x"}}`, nil, 400},
		{"flattened metadata", "", `{"logtail.id":"x"}`, nil, 400},
		{"flattened metadata in upper case", "", `{"a":1,"LogTail_ID":"x"}`, nil, 400},
		{"flattened metadata, escaped", "", `{"\u006cogtail.id":"x"}`, nil, 400},
		{"a raw NUL", "", "{\"a\":\"\x00\"}", nil, 400},
		{"a NUL between entries", "", "{}\x00{}", nil, 400},
		{"a raw line break in a string", "", "{\"a\":\"\n\"}", nil, 400},
		{"a raw escape character", "", "{\"a\":\"\x1b[2J\"}", nil, 400},
		{"invalid UTF-8", "", "{\"a\":\"\xff\"}", nil, 400},
		{"invalid UTF-8 in a name", "", "{\"\xff\":1}", nil, 400},
		{"a surrogate in UTF-8", "", "{\"a\":\"\xed\xa0\x80\"}", nil, 400},
		{"half of a surrogate pair", "", `{"a":"\ud800"}`, nil, 400},
		{"the other half", "", `{"a":["\uDFFF"]}`, nil, 400},
		{"two first halves", "", `{"a":{"b":"\ud800\ud800\udc00"}}`, nil, 400},
		{"half of a surrogate pair in a name", "", `{"\ud800":1}`, nil, 400},
		{"half of a surrogate pair in metadata", "", `{"logtail":{"error":{"a":"\ud800"}}}`, nil, 400},
		{"an overlong zero", "", "{\"a\":\"\xc0\x80\"}", nil, 400},
		{"a byte order mark", "", "\ufeff{}", nil, 400},
		{"65 levels", "", `{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, nil, 413},
		{"a million levels", "", `{"a":` + strings.Repeat("[", 1e6), nil, 413},
		{"1,001 members", "", `{` + members(1001) + `}`, nil, 413},
		{"10,001 entries", "", many(10_001), nil, 413},
		{"10 million entries, compressed", "", storetest.Compress(many(10_000_000)), []string{"Content-Encoding", "zstd"}, 413},
		{"a body over a MiB", "", strings.Repeat(" ", 1<<20) + "{}", nil, 413},
		{"an entry over a MiB", "", storetest.Compress(`{"a":"` + strings.Repeat("a", 1<<20) + `"}`), []string{"Content-Encoding", "zstd"}, 413},
		{"9 MiB of blanks, compressed", "", storetest.Compress(big), []string{"Content-Encoding", "zstd"}, 413},
		{"9 MiB of frames, compressed", "", strings.Repeat(storetest.Compress(big[:1<<20]), 9), []string{"Content-Encoding", "zstd"}, 413},
		{"9 bytes that claim 512 MiB", "", "\x28\xb5\x2f\xfd\x00\x98\x01\x00\x00", []string{"Content-Encoding", "zstd"}, 413},
		{"a frame that claims a content of 1 GiB", "", "\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x40\x01\x00\x00", []string{"Content-Encoding", "zstd"}, 413},
		{"not zstd", "", `{}`, []string{"Content-Encoding", "zstd"}, 400},
		{"truncated zstd", "", storetest.Compress(big[:1<<20])[:40], []string{"Content-Encoding", "zstd"}, 400},
		{"other bytes after zstd", "", storetest.Compress(`{}`) + "rubbish", []string{"Content-Encoding", "zstd"}, 400},
		{"a wrong length", "", storetest.Compress(`{}`), []string{"Content-Encoding", "zstd", "Orig-Content-Length", "3"}, 400},
		{"an invalid length", "", storetest.Compress(`{}`), []string{"Content-Encoding", "zstd", "Orig-Content-Length", "x"}, 400},
		{"10 million entries, gzip", "", storetest.Gzip(many(10_000_000)), []string{"Content-Encoding", "gzip"}, 413},
		{"an entry over a MiB, gzip", "", storetest.Gzip(`{"a":"` + strings.Repeat("a", 1<<20) + `"}`), []string{"Content-Encoding", "gzip"}, 413},
		{"9 MiB of blanks, gzip", "", storetest.Gzip(big), []string{"Content-Encoding", "gzip"}, 413},
		{"9 MiB of gzip members", "", strings.Repeat(storetest.Gzip(big[:1<<20]), 9), []string{"Content-Encoding", "gzip"}, 413},
		{"a MiB of empty gzip members", "", strings.Repeat(storetest.Gzip(""), 45_000), []string{"Content-Encoding", "gzip"}, 400},
		{"not gzip", "", `{}`, []string{"Content-Encoding", "gzip"}, 400},
		{"nothing, as gzip", "", ``, []string{"Content-Encoding", "gzip"}, 400},
		{"zstd, as gzip", "", storetest.Compress(`{}`), []string{"Content-Encoding", "gzip"}, 400},
		{"gzip, as zstd", "", storetest.Gzip(`{}`), []string{"Content-Encoding", "zstd"}, 400},
		{"a gzip header only", "", storetest.Gzip(`{}`)[:10], []string{"Content-Encoding", "gzip"}, 400},
		{"truncated gzip", "", storetest.Gzip(big[:1<<20])[:40], []string{"Content-Encoding", "gzip"}, 400},
		{"gzip without its checksum", "", gzipped[:len(gzipped)-8], []string{"Content-Encoding", "gzip"}, 400},
		{"gzip with another checksum", "", gzipped[:len(gzipped)-8] + "\x00\x00\x00\x00" + gzipped[len(gzipped)-4:], []string{"Content-Encoding", "gzip"}, 400},
		{"gzip with another length", "", gzipped[:len(gzipped)-4] + "\x00\x00\x00\x00", []string{"Content-Encoding", "gzip"}, 400},
		{"other bytes after gzip", "", gzipped + "rubbish", []string{"Content-Encoding", "gzip"}, 400},
		{"a torn second gzip member", "", gzipped + gzipped[:15], []string{"Content-Encoding", "gzip"}, 400},
		{"a distance before the beginning of gzip", "", gzipped[:10] + "\x03\x02\x00", []string{"Content-Encoding", "gzip"}, 400},
		{"a wrong length, gzip", "", gzipped, []string{"Content-Encoding", "gzip", "Orig-Content-Length", "3"}, 400},
		{"deflate", "", `{}`, []string{"Content-Encoding", "deflate"}, 415},
		{"gzip and zstd", "", storetest.Compress(gzipped), []string{"Content-Encoding", "gzip, zstd"}, 415},
		{"zstd twice", "", storetest.Compress(storetest.Compress(`{}`)), []string{"Content-Encoding", "zstd, zstd"}, 415},
		{"the collection .", "/c/./" + id, `{}`, nil, 404},
		{"the collection ..", "/c/../" + id, `{}`, nil, 404},
		{"the collection .., escaped", "/c/%2e%2e/" + id, `{}`, nil, 404},
		{"a hidden collection", "/c/.lock/" + id, `{}`, nil, 404},
		{"a collection with a slash", "/c/a%2fb/" + id, `{}`, nil, 404},
		{"a collection with a backslash", "/c/a%5cb/" + id, `{}`, nil, 404},
		{"a collection with a NUL", "/c/a%00/" + id, `{}`, nil, 404},
		{"a collection of 65 characters", "/c/" + strings.Repeat("a", 65) + "/" + id, `{}`, nil, 404},
		{"no collection", "/c//" + id, `{}`, nil, 404},
		{"no ID", "/c/a/", `{}`, nil, 404},
		{"a short ID", "/c/a/" + id[1:], `{}`, nil, 404},
		{"an invalid ID", "/c/a/x" + id[1:], `{}`, nil, 404},
		{"another path", "/d/a/" + id, `{}`, nil, 404},
		{"the ID only", "/" + id, `{}`, nil, 404},
		{"an invalid copy ID", "/c/a/" + id + "?copyId=1", `{}`, nil, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := qt.New(t)
			sink := new(memory)
			h := &receiver.Handler{Sink: sink}
			if test.path == "" {
				test.path = "/c/c/" + id
			}
			w := postTo(h, test.path, test.body, test.header...)
			c.Check(w.Code, qt.Equals, test.want, qt.Commentf("%s", w.Body))
			c.Check(sink.take(), qt.HasLen, 0)
			st := h.Stats()
			c.Check(st.Stored, qt.Equals, uint64(0))
			c.Check(st.Malformed+st.TooLarge+st.OtherErrors, qt.Equals, uint64(1))
			c.Check(w.Body.String(), qt.Not(qt.Contains), id)
		})
	}
}

func TestBodyWithoutLengthBounded(t *testing.T) {
	c := qt.New(t)
	sink := new(memory)
	h := &receiver.Handler{Sink: sink, Limits: receiver.Limits{MaxBodyBytes: 1000}}
	_, id := testID(1)
	for size, want := range map[int]int{1000: 200, 1001: 413} {
		r := httptest.NewRequest("POST", "/c/c/"+id, io.MultiReader(strings.NewReader(strings.Repeat(" ", size-2)+"{}")))
		c.Assert(r.ContentLength, qt.Equals, int64(-1))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		c.Check(w.Code, qt.Equals, want, qt.Commentf("%d bytes", size))
	}
	c.Check(sink.take(), qt.HasLen, 1)
}

// TestMaxDecodedBytes checks a bound smaller than a zstd window, with plain and compressed bodies.
func TestMaxDecodedBytes(t *testing.T) {
	c := qt.New(t)
	sink := new(memory)
	h := &receiver.Handler{Sink: sink, Limits: receiver.Limits{MaxDecodedBytes: 1000}}
	for size, want := range map[int]int{1000: 200, 1001: 413} {
		body := strings.Repeat(" ", size-2) + "{}"
		c.Check(post(h, body).Code, qt.Equals, want, qt.Commentf("%d bytes", size))
		c.Check(post(h, storetest.Compress(body), "Content-Encoding", "zstd").Code, qt.Equals, want, qt.Commentf("%d bytes compressed", size))
		c.Check(post(h, storetest.Gzip(body), "Content-Encoding", "gzip").Code, qt.Equals, want, qt.Commentf("%d bytes, gzip", size))
	}
	c.Check(sink.take(), qt.HasLen, 3)
}

// TestWindow checks that zstd windows of 8 MiB are accepted, as RFC 9659 requires, and that larger
// ones are not, even if MaxDecodedBytes is larger.
func TestWindow(t *testing.T) {
	c := qt.New(t)
	h := &receiver.Handler{Sink: new(memory), Limits: receiver.Limits{MaxDecodedBytes: 64 << 20}}
	for window, want := range map[string]int{"\x68": 200, "\x70": 413} { // 8 and 16 MiB
		frame := "\x28\xb5\x2f\xfd\x00" + window + "\x11\x00\x00{}"
		c.Check(post(h, frame, "Content-Encoding", "zstd").Code, qt.Equals, want)
	}
}

// members returns n members of an object.
func members(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"m%d":%d`, i, i)
	}
	return b.String()[1:]
}
