package logtail_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/racetest"
	"github.com/go-netlog/netlog/internal/rawjson"

	"github.com/go-netlog/netlog/logtail"
)

// encoder returns a Logger that sends nothing, and a function that returns the entry which its
// Write makes.
func encoder(t testing.TB) (encode func(p []byte) []byte, l *testLogger) {
	buf := logtail.NewMemoryBuffer(64 << 20)
	l = newLogger(t, logtail.Config{Buffer: buf, FlushDelay: time.Hour})
	t.Cleanup(func() { l.shutdown(0) })
	return func(p []byte) []byte {
		if n, err := l.Write(p); err != nil || n != len(p) {
			t.Fatalf("Write: %d, %v", n, err)
		}
		entries, through, err := buf.Peek(1 << 30)
		if err != nil || len(entries) != 1 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		buf.Ack(through)
		return entries[0]
	}, l
}

// members returns the part of an entry after the metadata.
func members(t testing.TB, e []byte) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(e))
	d.Token() // {
	d.Token() // "logtail"
	var meta json.RawMessage
	if err := d.Decode(&meta); err != nil {
		t.Fatalf("%v in %s", err, e)
	}
	return string(e[d.InputOffset():])
}

func TestEntryObject(t *testing.T) {
	encode, _ := encoder(t)
	deep := strings.Repeat(`{"a":`, 60) + `1` + strings.Repeat(`}`, 60)
	for _, test := range []struct{ name, in, members string }{
		{"members follow the metadata", `{"a":1,"b":[true]}`, `,"a":1,"b":[true]}`},
		{"an empty object has metadata only", `{}`, `}`},
		{"space inside is kept", `{ "a" : 1 , "b":2 }`, `,"a" : 1 , "b":2}`},
		{"space around is removed", " \r\n\t{\"a\":1}\n ", `,"a":1}`},
		{"an empty object with space", "{ \n }", `}`},
		{"integers past 2^53 are exact", `{"a":18446744073709551615,"b":-9007199254740993}`, `,"a":18446744073709551615,"b":-9007199254740993}`},
		{"numbers are kept as written", `{"a":1.50e+0300,"b":-0}`, `,"a":1.50e+0300,"b":-0}`},
		{"escapes are kept as written", `{"a":"\u00e9\/\ud83d\ude00"}`, `,"a":"\u00e9\/\ud83d\ude00"}`},
		{"control characters are kept as escapes", `{"a":"\u0000\u001b"}`, `,"a":"\u0000\u001b"}`},
		{"invalid UTF-8 is replaced", "{\"a\":\"x\xffy\"}", ",\"a\":\"x\ufffdy\"}"},
		{"half of a surrogate pair is replaced", `{"a":"x\ud800y\\ud800"}`, `,"a":"x\ufffdy\\ud800"}`},
		{"half of a surrogate pair in a name is replaced", `{"\udfff":1}`, `,"\ufffd":1}`},
		{"U+2028 is kept", "{\"a\":\"\u2028\"}", ",\"a\":\"\u2028\"}"},
		{"a nested logtail member is kept", `{"a":{"logtail":1}}`, `,"a":{"logtail":1}}`},
		{"sixty-one levels", deep, "," + deep[1:]},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := qt.New(t)
			e := encode([]byte(test.in))
			c.Check(json.Valid(e), qt.IsTrue, qt.Commentf("%s", e))
			c.Check(utf8.Valid(e), qt.IsTrue)
			c.Check(members(t, e), qt.Equals, test.members)
		})
	}
}

func TestEntryText(t *testing.T) {
	encode, _ := encoder(t)
	long := strings.Repeat("é", 10_000) // 20,000 bytes
	for _, test := range []struct{ name, in, text string }{
		{"a line", "hello", "hello"},
		{"without the final newline", "hello\n", "hello"},
		{"only the final newline is removed", "a\nb\n\n", "a\nb\n"},
		{"quotes and control characters", "\"\\\x00\x1b[31m\t\r\x7f", "\"\\\x00\x1b[31m\t\r\x7f"},
		{"invalid UTF-8 byte by byte", "a\xff\xfeb", "a\ufffd\ufffdb"},
		{"cut on a rune", "x" + long, "x" + strings.Repeat("é", 8191) + "\u2026+3618"},
		{"exactly 16 KiB is not cut", strings.Repeat("x", 16<<10), strings.Repeat("x", 16<<10)},
		{"bytes that are not runes are cut too", strings.Repeat("\x80", 16<<10+1), strings.Repeat("\ufffd", 16<<10-4) + "\u2026+5"},
		{"an array is text", `[1,2]`, `[1,2]`},
		{"a number is text", `12`, `12`},
		{"null is text", `null`, `null`},
		{"half an object is text", `{"a":`, `{"a":`},
		{"two objects are text", `{} {}`, `{} {}`},
		{"a raw control character", "{\"a\":\"\x01\"}", "{\"a\":\"\x01\"}"},
		{"a raw newline", "{\"a\":\"\n\"}", "{\"a\":\"\n\"}"},
		{"a leading zero", `{"a":01}`, `{"a":01}`},
		{"a bare point", `{"a":1.}`, `{"a":1.}`},
		{"a plus sign", `{"a":+1}`, `{"a":+1}`},
		{"a trailing comma", `{"a":1,}`, `{"a":1,}`},
		{"an unknown escape", `{"a":"\x41"}`, `{"a":"\x41"}`},
		{"a short escape", `{"a":"\u12"}`, `{"a":"\u12"}`},
		{"a capital literal", `{"a":True}`, `{"a":True}`},
		{"a byte order mark", "\ufeff{}", "\ufeff{}"},
		{"sixty-two levels", strings.Repeat(`{"a":`, 62) + `1` + strings.Repeat(`}`, 62), strings.Repeat(`{"a":`, 62) + `1` + strings.Repeat(`}`, 62)},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := qt.New(t)
			raw := encode([]byte(test.in))
			var e entry
			c.Assert(json.Unmarshal(raw, &e), qt.IsNil, qt.Commentf("%s", raw))
			c.Assert(e.Text, qt.IsNotNil)
			c.Check(*e.Text, qt.Equals, test.text)
			c.Check(utf8.Valid(raw), qt.IsTrue)
			for _, b := range raw {
				c.Assert(b >= ' ', qt.IsTrue)
			}
		})
	}
}

func TestEntryDeepNestingNoStackOverflow(t *testing.T) {
	encode, _ := encoder(t)
	e := encode(bytes.Repeat([]byte(`{"a":[`), 5_000_000))
	qt.Check(t, json.Valid(e), qt.IsTrue)
}

func TestEntryLogtailMemberMoved(t *testing.T) {
	encode, _ := encoder(t)
	for _, test := range []struct{ name, in, bad, members, detail string }{
		{"alone", `{"logtail":1}`, `1`, `}`, "duplicate logtail member"},
		{"first", `{"logtail":{"x":[1]},"a":1}`, `{"x":[1]}`, `,"a":1}`, "duplicate logtail member"},
		{"in the middle", `{"a":1, "logtail" : "s" ,"b":2}`, `"s"`, `,"a":1,"b":2}`, "duplicate logtail member"},
		{"last", `{"a":1,"logtail":null}`, `null`, `,"a":1}`, "duplicate logtail member"},
		{"with an escaped name", `{"log\u0074ail":1,"a":2}`, `1`, `,"a":2}`, "duplicate logtail member"},
		{"in capitals", `{"Logtail":1,"a":2}`, `1`, `,"a":2}`, "duplicate logtail member"},
		{"named as by engines that flatten objects", `{"logtail.id":"x","a":2}`, `"x"`, `,"a":2}`, "duplicate logtail member"},
		{"in capitals with another sign", `{"LOGTAIL_id":"x","a":2}`, `"x"`, `,"a":2}`, "duplicate logtail member"},
		{"flattened twice", `{"logtail.id":1,"logtail.server_time":2}`, `{"logtail.id":1,"logtail.server_time":2}`, `}`, "several logtail members"},
		{"in two spellings", `{"logtail":1,"LOGTAIL":2}`, `{"logtail":1,"LOGTAIL":2}`, `}`, "several logtail members"},
		{"twice", `{"logtail":1,"logtail":2}`, `{"logtail":1,"logtail":2}`, `}`, "doubled member name"},
		{"a thousand members", manyMembers(1000), manyMembers(1000), `}`, "too many members"},
		{"any name twice", `{"a":1,"b":2,"\u0061":3}`, `{"a":1,"b":2,"\u0061":3}`, `}`, "doubled member name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := qt.New(t)
			raw := encode([]byte(test.in))
			var e entry
			c.Assert(json.Unmarshal(raw, &e), qt.IsNil, qt.Commentf("%s", raw))
			c.Assert(e.Logtail.Error, qt.IsNotNil)
			c.Check(string(e.Logtail.Error.BadData), qt.Equals, test.bad)
			c.Check(e.Logtail.Error.Detail, qt.Equals, test.detail)
			c.Check(members(t, raw), qt.Equals, test.members)
		})
	}
}

func TestEntryMetadata(t *testing.T) {
	run(t, nil, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		for n := range 3 {
			l.write(n, n+1)
			time.Sleep(time.Hour + time.Nanosecond)
		}
		l.drain()
		got := srv.accepted()
		for i, e := range got {
			c.Check(e.Logtail.ProcSeq, qt.Equals, uint64(i+1))
			c.Check(e.Logtail.ProcID, qt.Equals, got[0].Logtail.ProcID)
			c.Check(e.Logtail.ProcID, qt.Not(qt.Equals), uint32(0))
			want := time.Date(2000, 1, 1, i, 0, 0, i, time.UTC)
			c.Check(e.Logtail.ClientTime, qt.Equals, want)
		}
		c.Check(string(got[1].raw), qt.Matches, `\{"logtail":\{"client_time":"2000-01-01T01:00:00.000000001Z","proc_id":\d+,"proc_seq":2\},"n":1,"pad":""\}`)
	})
}

func TestWriteObject(t *testing.T) {
	run(t, nil, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		c.Assert(l.WriteObject(func(b []byte) []byte { return append(b, `"n":0`...) }), qt.IsNil)
		c.Assert(l.WriteObject(func(b []byte) []byte { return b }), qt.IsNil)
		c.Assert(l.WriteObject(func(b []byte) []byte {
			l.write(1, 2) // while no lock is held
			return append(b, `"n":2,"big":"`+strings.Repeat("x", 600<<10)+`"`...)
		}), qt.IsNil)
		l.drain()
		c.Check(srv.numbers(), qt.DeepEquals, []int{0, 1, 2})
		checkInOrder(c, srv.accepted())
	})
}

func TestWriteDoesNotKeepItsArgument(t *testing.T) {
	run(t, nil, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		p := []byte(`{"n":7}`)
		l.Write(p)
		clear(p)
		l.drain()
		c.Check(srv.numbers(), qt.DeepEquals, []int{7})
	})
}

func TestWriteEmptyIgnored(t *testing.T) {
	run(t, nil, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		n, err := l.Write(nil)
		c.Check(n, qt.Equals, 0)
		c.Check(err, qt.IsNil)
		l.drain()
		c.Check(len(srv.seen()), qt.Equals, 0)
	})
}

func TestWriteAllocs(t *testing.T) {
	racetest.Skip(t) // it allocates
	_, l := encoder(t)
	obj := []byte(`{"a":1,"b":"` + strings.Repeat("x", 1000) + `"}`)
	appendObj := func(b []byte) []byte { return append(b, obj[1:len(obj)-1]...) }
	l.Write(obj)
	// One for the copy; the queue of the buffer grows now and then.
	qt.Check(t, testing.AllocsPerRun(1000, func() { l.WriteObject(appendObj) }) < 2, qt.IsTrue)
	n := testing.AllocsPerRun(1000, func() { l.Write(obj) })
	qt.Check(t, n <= 3, qt.IsTrue, qt.Commentf("%v allocations", n))
}

func FuzzWrite(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, "{\"a\":\"\xff\"}", `{"logtail":1,"a":2}`, `{"log\u0074ail":{},"logtail":3}`, "text\n",
		"\x00\x1b\"\\", `[{}]`, `{"a":1e999,"b":[{"c":null}]}`, ` { "a" : [ ] } `, `{"a":"\ud800"}`, `{"a":1,"a":2}`,
		strings.Repeat("\x01", 20_000), strings.Repeat("é", 9_000), `{"a":-}`, `{"":""}`, "{\"a\":1\n}",
	} {
		f.Add([]byte(seed))
	}
	encode, _ := encoder(f)
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) == 0 {
			return
		}
		e := encode(p)
		if !json.Valid(e) || !utf8.Valid(e) {
			t.Fatalf("invalid entry %q", e)
		}
		if len(e) > 6*len(p)+512 {
			t.Fatalf("%d bytes of %d", len(e), len(p))
		}
		var got entry
		if err := json.Unmarshal(e, &got); err != nil {
			t.Fatalf("%v in %q", err, e)
		}
		var obj map[string]json.RawMessage
		isObject := json.Unmarshal(p, &obj) == nil && obj != nil
		if got.Logtail.ProcSeq == 0 || got.Logtail.ClientTime.IsZero() {
			t.Fatalf("no metadata in %q", e)
		}
		if !isObject {
			if got.Text == nil || got.Logtail.Error != nil {
				t.Fatalf("%q is not text in %q", p, e)
			}
			return
		}
		if rawjson.CheckUnicode(e) != nil {
			t.Fatalf("not Unicode: %q", e)
		}
		if got.Logtail.Error != nil || rawjson.CheckUnicode(p) != nil || depth(p) > 61 {
			return
		}
		// The members must be unchanged, and in the same order.
		trimmed := bytes.Trim(p, " \t\r\n")
		inner := string(bytes.Trim(trimmed[1:len(trimmed)-1], " \t\r\n"))
		if inner != "" {
			inner = "," + inner
		}
		if m := members(t, e); m != inner+"}" {
			t.Fatalf("members %q of %q", m, p)
		}
	})
}

// manyMembers is an object of n members.
func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%d":0`, i)
	}
	return "{" + b.String()[1:] + "}"
}

func depth(p []byte) (deepest int) {
	d := 0
	for _, c := range p {
		switch c {
		case '{', '[':
			d++
		case '}', ']':
			d--
		}
		deepest = max(deepest, d)
	}
	return deepest
}

func BenchmarkWrite(b *testing.B) {
	refused := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errRefused })
	for _, size := range []int{1 << 10, 64 << 10} {
		p := fmt.Appendf(nil, `{"pad":%q}`, strings.Repeat("x", size-10))
		for _, way := range []string{"Write", "WriteObject"} {
			b.Run(fmt.Sprintf("%s/size=%d", way, size), func(b *testing.B) {
				l := start(b, refused, logtail.Config{Buffer: logtail.NewMemoryBuffer(8 << 20), FlushDelay: time.Hour})
				defer l.shutdown(0)
				members := func(dst []byte) []byte { return append(dst, p[1:len(p)-1]...) }
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for b.Loop() {
					if way == "Write" {
						l.Write(p)
					} else {
						l.WriteObject(members)
					}
				}
			})
		}
	}
}
