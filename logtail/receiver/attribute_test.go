package receiver_test

import (
	"context"
	"errors"

	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

func TestAttributionOverridesClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		private, text := testID(1)
		copyID, copyText := testID(2)
		server := `"id":"` + private.Public().String() + `","server_time":"` + time.Now().UTC().Format(time.RFC3339Nano) + `"`
		for _, test := range []struct{ name, meta, want string }{
			{"valid values remain", `{"client_time":"2026-11-22T10:00:00.000000001Z","proc_id":4294967295,"proc_seq":18446744073709551615}`,
				`"client_time":"2026-11-22T10:00:00.000000001Z","proc_id":4294967295,"proc_seq":18446744073709551615,`},
			{"forged id and server_time", `{"id":"f","server_time":"2001-01-01T00:00:00Z","proc_id":1}`, `"proc_id":1,`},
			{"an unknown member", `{"x":{"y":[1]},"proc_seq":7}`, `"proc_seq":7,`},
			{"times become UTC", `{"client_time":"2026-11-22T11:00:00+01:00"}`, `"client_time":"2026-11-22T10:00:00Z",`},
			{"a time in another format", `{"client_time":"yesterday"}`, ``},
			{"a time after 9999", `{"client_time":"9999-12-31T23:59:59-01:00"}`, ``},
			{"a number as time", `{"client_time":5}`, ``},
			{"a proc_id over 32 bits", `{"proc_id":4294967296}`, ``},
			{"a negative proc_id", `{"proc_id":-1}`, ``},
			{"a proc_seq with a fraction", `{"proc_seq":1.5}`, ``},
			{"numbers in strings", `{"proc_id":"1","proc_seq":"2"}`, ``},
			{"the first of two", `{"proc_id":1,"proc_id":2}`, `"proc_id":1,`},
			{"an error remains", "{\"error\":{\"detail\":\"d\",\n\"bad_data\":{\"id\":\"f\"}}}", `"error":{"detail":"d", "bad_data":{"id":"f"}},`},
			{"an error that is not an object", `{"error":"}\""}`, ``},
			{"metadata that is not an object", `"\u0000"`, ``},
			{"null", `null`, ``},
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

func TestEntryStoredOnce(t *testing.T) {
	c := qt.New(t)
	sink := new(memory)
	h := &receiver.Handler{Sink: sink}
	stored := func(body string, want int) {
		t.Helper()
		c.Assert(post(h, body).Code, qt.Equals, 200)
		c.Check(sink.take(), qt.HasLen, want, qt.Commentf("%s", body))
	}
	a, b := storetest.Entry(1, 1, `,"a":1`), storetest.Entry(1, 2, `,"a":2`)
	stored("["+a+","+b+"]", 2)
	stored("["+a+","+b+"]", 0)                                     // the whole batch again
	stored("["+b+","+storetest.Entry(1, 3, "")+"]", 1)             // an old entry and a new one
	stored(storetest.Entry(2, 1, `,"a":1`), 1)                     // another process
	stored(a+a, 0)                                                 // the first process again
	stored(storetest.Entry(1, 4, "")+storetest.Entry(1, 4, ""), 1) // twice in one body
	stored(`{"a":1}{"a":1}`, 2)                                    // without a number
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

func TestEntryConflictMarked(t *testing.T) {
	c := qt.New(t)
	sink := new(memory)
	h := &receiver.Handler{Sink: sink}
	c.Assert(post(h, storetest.Entry(1, 5, `,"a":1`)).Code, qt.Equals, 200)
	c.Assert(post(h, storetest.Entry(1, 5, `,"a":2`)).Code, qt.Equals, 200)
	c.Assert(post(h, storetest.Entry(1, 5, `,"a":2`)).Code, qt.Equals, 200)
	c.Assert(post(h, storetest.Entry(1, 5, `,"a":1`)).Code, qt.Equals, 200)
	got := sink.take()
	c.Assert(got, qt.HasLen, 2)
	c.Check(got[0], qt.Not(qt.Contains), "conflict")
	c.Check(got[1], qt.Contains, `,"conflict":true},"a":2}`)
	c.Check(h.Stats().Conflicts, qt.Equals, uint64(1))
	c.Check(h.Stats().Repeated, qt.Equals, uint64(2))
}

func TestGapsCounted(t *testing.T) {
	c := qt.New(t)
	h := &receiver.Handler{Sink: new(memory)}
	for _, step := range []struct {
		seq  int
		want uint64
	}{{100, 0}, {101, 0}, {105, 3}, {103, 3}, {106, 3}, {106, 3}, {108, 4}} {
		c.Assert(post(h, storetest.Entry(1, step.seq, "")).Code, qt.Equals, 200)
		c.Check(h.Stats().Missing, qt.Equals, step.want, qt.Commentf("%d", step.seq))
	}
}

// TestFailedStoreNotRemembered checks that entries that were not stored do not count as seen.
// Otherwise a retry would be answered 200 and not stored.
func TestFailedStoreNotRemembered(t *testing.T) {
	c := qt.New(t)
	broken := errors.New("the path /secret is full")
	sink := &memory{fail: func(context.Context) error { return broken }}
	log := new(storetest.Log)
	h := &receiver.Handler{Sink: sink, Logf: log.Logf}
	body := storetest.Entry(1, 1, "") + storetest.Entry(1, 2, "")
	for range 3 {
		w := post(h, body)
		c.Check(w.Code, qt.Equals, 503)
		c.Check(w.Header().Get("Retry-After"), qt.Equals, "5")
		c.Check(w.Body.String(), qt.Not(qt.Contains), "secret")
	}
	sink.fail = nil
	c.Check(post(h, storetest.Entry(1, 2, "")).Code, qt.Equals, 200)
	c.Check(post(h, body).Code, qt.Equals, 200)
	c.Check(sink.take(), qt.HasLen, 2)
	st := h.Stats()
	c.Check(st.Unavailable, qt.Equals, uint64(3))
	c.Check(st.Stored, qt.Equals, uint64(2))
	c.Check(log.Take(), qt.DeepEquals, []string{
		"receiver: cannot store: the path /secret is full", "receiver: storing works again"})
}
