package receiver_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/rawjson"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

// FuzzBody compares a Handler with encoding/json. Bodies that the Handler accepts are JSON objects to
// encoding/json, and the stored entries differ from them only in the "logtail" member.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		`[{"a":1},{"b":[true,null,{"c":"\u0061"}]}]`, "{\"a\":1}\n{\"b\":-2.5e+3}\n", `{}`, `[]`,
		`{"logtail":{"client_time":"2026-11-22T10:00:00Z","proc_id":1,"proc_seq":2,"error":{"detail":"x"}},"a":""}`,
		`{"a":1,"\u0061":2}`, `{"LOGTAIL":1}`, `[{}`, "{\"a\":\"\x00\"}", "{\"a\":\"\xff\"}", `{"a":"\ud800\udc00"}`,
		strings.Repeat(`{"a":[`, 70), "\x28\xb5\x2f\xfd\x00\x98\x01\x00\x00", storetest.Compress(`{"a":1}`),
	} {
		f.Add([]byte(body), false)
		f.Add([]byte(body), true)
		f.Add([]byte(storetest.Compress(body)), true)
		f.Add([]byte(storetest.Gzip(body)), true)
		f.Add([]byte(storetest.Gzip(body[:len(body)/2])+storetest.Gzip(body[len(body)/2:])), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, compressed bool) {
		c := qt.New(t)
		sink := new(memory)
		h := &receiver.Handler{Sink: sink, Limits: receiver.Limits{MaxDecodedBytes: 1 << 16, MaxEntries: 100, MaxEntryBytes: 1 << 12}}
		var header []string
		switch {
		case compressed && bytes.HasPrefix(body, []byte("\x1f\x8b")):
			header = []string{"Content-Encoding", "gzip"}
		case compressed:
			header = []string{"Content-Encoding", "zstd"}
		}
		w := post(h, string(body), header...)
		stored := sink.take()
		private, _ := testID(1)
		for _, e := range stored {
			var got struct {
				Logtail struct{ ID string }
			}
			c.Assert(json.Unmarshal([]byte(e), &got), qt.IsNil, qt.Commentf("%q", e))
			c.Check(got.Logtail.ID, qt.Equals, private.Public().String())
			c.Check(strings.ContainsAny(e, "\n\r"), qt.IsFalse)
		}
		switch w.Code {
		case 200:
		case 400, 413:
			c.Assert(stored, qt.HasLen, 0)
			return
		default:
			t.Fatalf("answered %d", w.Code)
		}
		if compressed {
			return
		}
		c.Assert(rawjson.CheckUnicode(body), qt.IsNil)
		want := reference(c, body)
		repeated := int(h.Stats().Repeated)
		c.Assert(stored, qt.HasLen, len(want)-repeated)
		for n := range stored {
			if repeated == 0 {
				c.Check(withoutMeta(c, []byte(stored[n])), qt.DeepEquals, withoutMeta(c, want[n]))
			}
		}
	})
}

// reference splits body with encoding/json.
func reference(c *qt.C, body []byte) []json.RawMessage {
	var entries []json.RawMessage
	if body = bytes.TrimSpace(body); body[0] == '[' {
		c.Assert(json.Unmarshal(body, &entries), qt.IsNil)
		return entries
	}
	for d := json.NewDecoder(bytes.NewReader(body)); d.More(); {
		var e json.RawMessage
		c.Assert(d.Decode(&e), qt.IsNil)
		entries = append(entries, e)
	}
	return entries
}

// withoutMeta returns the members of an entry except "logtail", compacted.
func withoutMeta(c *qt.C, entry []byte) map[string]string {
	var members map[string]json.RawMessage
	c.Assert(json.Unmarshal(entry, &members), qt.IsNil)
	delete(members, "logtail")
	got := make(map[string]string)
	for name, v := range members {
		var b bytes.Buffer
		c.Assert(json.Compact(&b, v), qt.IsNil)
		got[name] = b.String()
	}
	return got
}
