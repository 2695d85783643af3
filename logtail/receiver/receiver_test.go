package receiver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
)

// memory is a Sink that keeps copies. fail, where set, is asked first.
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

// testID returns the nth private ID, and its text.
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

func postTo(h http.Handler, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	for n := 0; n < len(header); n += 2 {
		r.Header.Set(header[n], header[n+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func compress(s string) string {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return string(z.EncodeAll([]byte(s), nil))
}

func entryOf(proc, seq int, rest string) string {
	return fmt.Sprintf(`{"logtail":{"client_time":"2026-11-22T10:00:00.5Z","proc_id":%d,"proc_seq":%d}%s}`, proc, seq, rest)
}

func TestBodiesThatAreTaken(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       []string // after the "logtail" member; empty: nothing else
	}{
		{"an array", `[{"a":1},{"b":2}]`, []string{`"a":1`, `"b":2`}},
		{"an empty array has nothing to store", ` [ ] `, nil},
		{"lines", "{\"a\":1}\n{\"b\":2}\n", []string{`"a":1`, `"b":2`}},
		{"lines of another system", "{\"a\":1}\r\n{\"b\":2}\r\n", []string{`"a":1`, `"b":2`}},
		{"a single object", `{"a":1}`, []string{`"a":1`}},
		{"an object over several lines becomes one", "{\n\t\"a\": [\n1],\r\n\"b\":2\n}", []string{" \t\"a\": [ 1],  \"b\":2 "}},
		{"an object without members", `{}`, []string{``}},
		{"the client's own metadata goes", `{"logtail":{"x":1},"a":1}`, []string{`"a":1`}},
		{"also in the middle", `{"a":1 , "logtail" : null , "b":2}`, []string{`"a":1 , "b":2`}},
		{"also between line breaks", "{\"a\":\n1,\n\"logtail\":\n{},\n\"b\":\n2\n}", []string{"\"a\": 1, \"b\": 2 "}},
		{"also at the end", `{"a":1,"logtail":[]}`, []string{`"a":1`}},
		{"also alone", `{ "logtail":{} }`, []string{``}},
		{"also with an escaped name", `{"\u006cogtail":{"id":"x"},"a":1}`, []string{`"a":1`}},
		{"bytes stay: numbers, escapes, order, blanks", `{"z": 18446744073709551615, "a":"\u0000\ud800é", "e":1E+2}`,
			[]string{`"z": 18446744073709551615, "a":"\u0000\ud800é", "e":1E+2`}},
		{"64 levels", `{"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`,
			[]string{`"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := qt.New(t)
			for _, zstd := range []bool{false, true} {
				sink := new(memory)
				h := &receiver.Handler{Sink: sink}
				var w *httptest.ResponseRecorder
				if zstd {
					w = post(h, compress(test.body), "Content-Encoding", "zstd", "Orig-Content-Length", strconv.Itoa(len(test.body)))
				} else {
					w = post(h, test.body)
				}
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

func TestHostileRequests(t *testing.T) {
	big := strings.Repeat(" ", 9<<20) + "{}"
	many := func(n int) string { return "[" + strings.Repeat("{},", n-1) + "{}]" }
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
		{"a number for a body", "", `1`, nil, 400},
		{"an array in an array", "", `[[{}]]`, nil, 400},
		{"one bad entry refuses all", "", `[{"a":1},{"b":}]`, nil, 400},
		{"an array that does not end", "", `[{"a":1}`, nil, 400},
		{"an array that does not begin", "", `{"a":1}]`, nil, 400},
		{"something after the array", "", `[{}] {}`, nil, 400},
		{"a comma too many", "", `[{},]`, nil, 400},
		{"a comma between lines", "", `{},{}`, nil, 400},
		{"an object that does not end", "", `{"a":1`, nil, 400},
		{"a string that does not end", "", `{"a":"`, nil, 400},
		{"an escape that does not end", "", `{"a":"\`, nil, 400},
		{"a rune that does not end", "", `{"a":"\u00`, nil, 400},
		{"brackets that do not match", "", `{"a":[1}]`, nil, 400},
		{"a leading zero", "", `{"a":01}`, nil, 400},
		{"a bare minus", "", `{"a":-}`, nil, 400},
		{"a member twice", "", `{"a":1,"a":2}`, nil, 400},
		{"a member twice, once escaped", "", `{"a":1,"\u0061":2}`, nil, 400},
		{"a member twice among many", "", `{` + members(100) + `,"m7":1}`, nil, 400},
		{"the metadata twice", "", `{"logtail":{},"logtail":{}}`, nil, 400},
		{"metadata for readers that ignore case", "", `{"Logtail":{"id":"x"}}`, nil, 400},
		{"a raw NUL", "", "{\"a\":\"\x00\"}", nil, 400},
		{"a NUL between entries", "", "{}\x00{}", nil, 400},
		{"a raw line break in a string", "", "{\"a\":\"\n\"}", nil, 400},
		{"a raw escape character", "", "{\"a\":\"\x1b[2J\"}", nil, 400},
		{"invalid UTF-8", "", "{\"a\":\"\xff\"}", nil, 400},
		{"an overlong zero", "", "{\"a\":\"\xc0\x80\"}", nil, 400},
		{"a byte order mark", "", "\ufeff{}", nil, 400},
		{"65 levels", "", `{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, nil, 413},
		{"a million levels", "", `{"a":` + strings.Repeat("[", 1e6), nil, 413},
		{"1,001 members", "", `{` + members(1001) + `}`, nil, 413},
		{"10,001 entries", "", many(10_001), nil, 413},
		{"10 million entries, compressed", "", compress(many(10_000_000)), []string{"Content-Encoding", "zstd"}, 413},
		{"a body over a MiB", "", strings.Repeat(" ", 1<<20) + "{}", nil, 413},
		{"an entry over a MiB", "", compress(`{"a":"` + strings.Repeat("a", 1<<20) + `"}`), []string{"Content-Encoding", "zstd"}, 413},
		{"9 MiB of blanks, compressed", "", compress(big), []string{"Content-Encoding", "zstd"}, 413},
		{"9 MiB of frames, compressed", "", strings.Repeat(compress(big[:1<<20]), 9), []string{"Content-Encoding", "zstd"}, 413},
		{"9 bytes that claim 512 MiB", "", "\x28\xb5\x2f\xfd\x00\x98\x01\x00\x00", []string{"Content-Encoding", "zstd"}, 413},
		{"a frame that claims a content of 1 GiB", "", "\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x40\x01\x00\x00", []string{"Content-Encoding", "zstd"}, 413},
		{"not zstd", "", `{}`, []string{"Content-Encoding", "zstd"}, 400},
		{"truncated zstd", "", compress(big[:1<<20])[:40], []string{"Content-Encoding", "zstd"}, 400},
		{"zstd with rubbish behind it", "", compress(`{}`) + "rubbish", []string{"Content-Encoding", "zstd"}, 400},
		{"another length than told", "", compress(`{}`), []string{"Content-Encoding", "zstd", "Orig-Content-Length", "3"}, 400},
		{"no length", "", compress(`{}`), []string{"Content-Encoding", "zstd", "Orig-Content-Length", "x"}, 400},
		{"gzip", "", `{}`, []string{"Content-Encoding", "gzip"}, 415},
		{"zstd twice", "", compress(compress(`{}`)), []string{"Content-Encoding", "zstd, zstd"}, 415},
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
		{"an ID that is none", "/c/a/x" + id[1:], `{}`, nil, 404},
		{"another path", "/d/a/" + id, `{}`, nil, 404},
		{"a copy ID that is none", "/c/a/" + id + "?copyId=1", `{}`, nil, 400},
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
			c.Check(st.Nodes, qt.Equals, 0, qt.Commentf("a refused request makes no node known"))
			c.Check(w.Body.String(), qt.Not(qt.Contains), id)
		})
	}
}

// TestWindow: RFC 9659 asks for 8 MiB, and what a frame may decompress to is no
// reason to hold more.
func TestWindow(t *testing.T) {
	c := qt.New(t)
	h := &receiver.Handler{Sink: new(memory), Limits: receiver.Limits{DecodedBytes: 64 << 20}}
	for window, want := range map[string]int{"\x68": 200, "\x70": 413} { // 8 and 16 MiB
		frame := "\x28\xb5\x2f\xfd\x00" + window + "\x11\x00\x00{}"
		c.Check(post(h, frame, "Content-Encoding", "zstd").Code, qt.Equals, want)
	}
}

func members(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"m%d":%d`, i, i)
	}
	return b.String()[1:]
}

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
	c.Check(post(h, `{}`, "Content-Encoding", "br").Header().Get("Accept-Encoding"), qt.Equals, "zstd")
}

func TestTheServerSaysWhoSentAnEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		private, text := testID(1)
		copyID, copyText := testID(2)
		server := `"id":"` + private.Public().String() + `","server_time":"` + time.Now().UTC().Format(time.RFC3339Nano) + `"`
		for _, test := range []struct{ name, meta, want string }{
			{"valid values stay", `{"client_time":"2026-11-22T10:00:00.000000001Z","proc_id":4294967295,"proc_seq":18446744073709551615}`,
				`"client_time":"2026-11-22T10:00:00.000000001Z","proc_id":4294967295,"proc_seq":18446744073709551615,`},
			{"forged id and server_time go", `{"id":"f","server_time":"2001-01-01T00:00:00Z","proc_id":1}`, `"proc_id":1,`},
			{"unknown members go", `{"x":{"y":[1]},"proc_seq":7}`, `"proc_seq":7,`},
			{"times become UTC", `{"client_time":"2026-11-22T11:00:00+01:00"}`, `"client_time":"2026-11-22T10:00:00Z",`},
			{"a time of another form goes", `{"client_time":"yesterday"}`, ``},
			{"a time that leaves the calendar goes", `{"client_time":"9999-12-31T23:59:59-01:00"}`, ``},
			{"a time that is none goes", `{"client_time":5}`, ``},
			{"a proc_id over 32 bits goes", `{"proc_id":4294967296}`, ``},
			{"a negative proc_id goes", `{"proc_id":-1}`, ``},
			{"a proc_seq with a fraction goes", `{"proc_seq":1.5}`, ``},
			{"numbers in strings go", `{"proc_id":"1","proc_seq":"2"}`, ``},
			{"of two the first counts", `{"proc_id":1,"proc_id":2}`, `"proc_id":1,`},
			{"an error stays as it is", "{\"error\":{\"detail\":\"d\",\n\"bad_data\":{\"id\":\"f\"}}}", `"error":{"detail":"d", "bad_data":{"id":"f"}},`},
			{"an error that is no object goes", `{"error":"}\""}`, ``},
			{"metadata that is no object goes", `"\u0000"`, ``},
			{"null goes", `null`, ``},
		} {
			sink := new(memory)
			h := &receiver.Handler{Sink: sink}
			w := postTo(h, "/c/c/"+text+"?copyId="+copyText, `{"a":1,"logtail":`+test.meta+`}`)
			c.Assert(w.Code, qt.Equals, 200, qt.Commentf("%s: %s", test.name, w.Body))
			c.Check(sink.take(), qt.DeepEquals, []string{`{"logtail":{` + test.want + server + `},"a":1}`}, qt.Commentf("%s", test.name))
			c.Check(sink.batches, qt.DeepEquals, []receiver.Batch{{
				Collection: "c", ID: private.Public(), CopyID: copyID.Public(), Received: time.Now(),
			}})
		}
	})
}

func TestAnEntryIsStoredOnce(t *testing.T) {
	c := qt.New(t)
	sink := new(memory)
	h := &receiver.Handler{Sink: sink}
	stored := func(body string, want int) {
		t.Helper()
		c.Assert(post(h, body).Code, qt.Equals, 200)
		c.Check(sink.take(), qt.HasLen, want, qt.Commentf("%s", body))
	}
	a, b := entryOf(1, 1, `,"a":1`), entryOf(1, 2, `,"a":2`)
	stored("["+a+","+b+"]", 2)
	stored("["+a+","+b+"]", 0)                     // the whole batch again
	stored("["+b+","+entryOf(1, 3, "")+"]", 1)     // its end, and a new one
	stored(entryOf(2, 1, `,"a":1`), 1)             // another process
	stored(a+a, 0)                                 // the first once more, after both
	stored(entryOf(1, 4, "")+entryOf(1, 4, ""), 1) // twice in one body
	stored(`{"a":1}{"a":1}`, 2)                    // without a number
	stored(`{"a":1}`, 1)
	c.Check(h.Stats().Repeated, qt.Equals, uint64(6))
	c.Check(h.Stats().Missing, qt.Equals, uint64(0))

	_, other := testID(2)
	c.Assert(postTo(h, "/c/c/"+other, a).Code, qt.Equals, 200)
	c.Check(sink.take(), qt.HasLen, 1, qt.Commentf("another node"))
	_, id := testID(1)
	c.Assert(postTo(h, "/c/d/"+id, a).Code, qt.Equals, 200)
	c.Check(sink.take(), qt.HasLen, 1, qt.Commentf("another collection"))
}

func TestOneNumberWithOtherBytesIsKeptAndMarked(t *testing.T) {
	c := qt.New(t)
	sink := new(memory)
	h := &receiver.Handler{Sink: sink}
	c.Assert(post(h, entryOf(1, 5, `,"a":1`)).Code, qt.Equals, 200)
	c.Assert(post(h, entryOf(1, 5, `,"a":2`)).Code, qt.Equals, 200)
	c.Assert(post(h, entryOf(1, 5, `,"a":2`)).Code, qt.Equals, 200)
	c.Assert(post(h, entryOf(1, 5, `,"a":1`)).Code, qt.Equals, 200)
	got := sink.take()
	c.Assert(got, qt.HasLen, 2)
	c.Check(got[0], qt.Not(qt.Contains), "conflict")
	c.Check(got[1], qt.Contains, `,"conflict":true},"a":2}`)
	c.Check(h.Stats().Conflicts, qt.Equals, uint64(1))
	c.Check(h.Stats().Repeated, qt.Equals, uint64(2))
}

func TestGapsAreCounted(t *testing.T) {
	c := qt.New(t)
	h := &receiver.Handler{Sink: new(memory)}
	for _, step := range []struct {
		seq  int
		want uint64
	}{{100, 0}, {101, 0}, {105, 3}, {103, 3}, {106, 3}, {106, 3}, {108, 4}} {
		c.Assert(post(h, entryOf(1, step.seq, "")).Code, qt.Equals, 200)
		c.Check(h.Stats().Missing, qt.Equals, step.want, qt.Commentf("%d", step.seq))
	}
}

// TestNothingIsSeenThatWasNotStored: else a retry would be answered 200, and lost.
func TestNothingIsSeenThatWasNotStored(t *testing.T) {
	c := qt.New(t)
	broken := errors.New("the path /secret is full")
	sink := &memory{fail: func(context.Context) error { return broken }}
	var said []string
	h := &receiver.Handler{Sink: sink, Logf: func(f string, a ...any) { said = append(said, fmt.Sprintf(f, a...)) }}
	body := entryOf(1, 1, "") + entryOf(1, 2, "")
	for range 3 {
		w := post(h, body)
		c.Check(w.Code, qt.Equals, 503)
		c.Check(w.Header().Get("Retry-After"), qt.Equals, "5")
		c.Check(w.Body.String(), qt.Not(qt.Contains), "secret")
	}
	sink.fail = nil
	c.Check(post(h, entryOf(1, 2, "")).Code, qt.Equals, 200)
	c.Check(post(h, body).Code, qt.Equals, 200)
	c.Check(sink.take(), qt.HasLen, 2)
	st := h.Stats()
	c.Check(st.Unavailable, qt.Equals, uint64(3))
	c.Check(st.Stored, qt.Equals, uint64(2))
	c.Check(said, qt.DeepEquals, []string{
		"receiver: cannot store: the path /secret is full", "receiver: storing works again"})
}

func TestASlowSinkIsAnsweredInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		hang := make(chan struct{})
		sink := &memory{fail: func(context.Context) error { <-hang; return nil }}
		h := &receiver.Handler{Sink: sink}
		start := time.Now()
		c.Check(post(h, entryOf(1, 1, "")).Code, qt.Equals, 503)
		c.Check(time.Since(start), qt.Equals, receiver.DefaultStoreTimeout)
		// The same again does not overtake the one that hangs.
		c.Check(post(h, entryOf(1, 1, "")).Code, qt.Equals, 503)
		c.Check(time.Since(start), qt.Equals, 2*receiver.DefaultStoreTimeout)
		close(hang)
		synctest.Wait()
		c.Check(post(h, entryOf(1, 1, "")).Code, qt.Equals, 200)
		c.Check(sink.take(), qt.HasLen, 1, qt.Commentf("it was stored after all, so the retry is a double"))
	})
}

func TestHungSinksHoldBoundedMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		hang := make(chan struct{})
		defer close(hang)
		var mu sync.Mutex
		hung := 0
		sink := &memory{fail: func(context.Context) error { mu.Lock(); hung++; mu.Unlock(); <-hang; return nil }}
		h := &receiver.Handler{Sink: sink, Limits: receiver.Limits{Requests: 40}}
		var wg sync.WaitGroup
		for n := range 100 {
			wg.Go(func() {
				_, id := testID(byte(n + 1))
				w := postTo(h, "/c/c/"+id, `{}`)
				if w.Code != 503 || w.Header().Get("Retry-After") == "" {
					t.Errorf("answered %d", w.Code)
				}
			})
		}
		wg.Wait()
		mu.Lock()
		defer mu.Unlock()
		c.Check(hung, qt.Equals, max(4, 2*runtime.GOMAXPROCS(0)))
	})
}

func TestAPanicOfTheSinkReachesTheServer(t *testing.T) {
	c := qt.New(t)
	sink := &memory{fail: func(context.Context) error { panic("sink") }}
	h := &receiver.Handler{Sink: sink}
	for range 20 { // more than can hang at once
		c.Check(func() { post(h, entryOf(1, 1, "")) }, qt.PanicMatches, `(?s)sink\n.*`)
	}
	sink.fail = nil
	c.Check(post(h, entryOf(1, 1, "")).Code, qt.Equals, 200)
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
	err = fmt.Errorf("who? %w", receiver.ErrUnauthorized)
	c.Check(send(), qt.Equals, 401)
	c.Check(sink.take(), qt.HasLen, 0)
	c.Check(h.Stats().Forbidden, qt.Equals, uint64(2))
}

// TestPrivateIDIsNowhere looks for it in all that comes out of a Handler.
func TestPrivateIDIsNowhere(t *testing.T) {
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

func TestBehindAPrefix(t *testing.T) {
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
