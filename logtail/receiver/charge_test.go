package receiver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

// TestQuotaCountsRefusedAndRepeated checks that bodies count against the quota even if nothing of them
// is stored, because decompressing and parsing them takes time.
func TestQuotaCountsRefusedAndRepeated(t *testing.T) {
	blanks := strings.Repeat(" ", 1<<20)
	repeated := "[" + blanks + strings.Repeat(storetest.Entry(1, 1, "")+",", 999) + storetest.Entry(1, 1, "") + "]"
	_, id := testID(1)
	for _, test := range []struct {
		name, body string
		header     []string
		want       int
	}{
		{"a syntax error at the end", blanks + `{"a":1}x`, nil, 400},
		{"an entry too large", `{"a":"` + strings.Repeat("a", 1<<20) + `"}`, nil, 413},
		{"a wrong length", blanks + `{}`, []string{"Orig-Content-Length", "1"}, 400},
		{"no entries", blanks + `[]`, nil, 200},
		{"repeated entries", repeated, nil, 200},
		{"more than MaxDecodedBytes", strings.Repeat(blanks, 9), nil, 413},
		{"small entries that grow when they are stored", strings.Repeat("{}", 9999), nil, 200},
		{"too many collections", blanks + `{}`, nil, 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				sink := new(memory)
				if test.want == 403 {
					sink.fail = func(context.Context) error { return receiver.ErrCollections }
				}
				h := &receiver.Handler{Sink: sink, Limits: receiver.Limits{MaxBytesPerHour: 128 << 10}}
				body := storetest.Compress(test.body)
				if len(test.body) == 9<<20 { // one frame would be refused before it is decompressed
					body = strings.Repeat(storetest.Compress(blanks), 9)
				}
				header := append([]string{"Content-Encoding", "zstd"}, test.header...)
				n := 0
				for ; n < 100; n++ {
					w := postTo(h, "/c/c/"+id, body, header...)
					if w.Code == 429 {
						break
					}
					c.Assert(w.Code, qt.Equals, test.want, qt.Commentf("%s", w.Body))
				}
				c.Check(n >= 1 && n <= 8, qt.IsTrue, qt.Commentf("429 after %d requests", n))
			})
		})
	}
}

// TestQuotaIgnoresSinkFailures checks that entries that could not be stored do not count, because the
// node has to send them again.
func TestQuotaIgnoresSinkFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		sink := &memory{fail: func(context.Context) error { return errors.New("full") }}
		h := &receiver.Handler{Sink: sink, Limits: receiver.Limits{MaxBytesPerHour: 1000}}
		for n := range 100 {
			c.Check(post(h, `{"a":"`+strings.Repeat("x", 992)+`"}`).Code, qt.Equals, http.StatusServiceUnavailable, qt.Commentf("%d", n))
		}
	})
}

// TestMemoryLargestUserForgottenFirst checks that nodes that fill the memory of seen entries do not
// make the Handler forget those of other nodes.
func TestMemoryLargestUserForgottenFirst(t *testing.T) {
	c := qt.New(t)
	h := &receiver.Handler{Sink: nothing{}}
	victim := storetest.Entry(1, 1, `,"a":1`)
	c.Assert(post(h, victim).Code, qt.Equals, 200)
	for node := range 40 {
		for proc := range 4 {
			body := storetest.Compress(strings.Repeat(fmt.Sprintf(`{"logtail":{"proc_id":%d,"proc_seq":1}}`, proc), 9000))
			_, id := testID(byte(node + 2))
			c.Assert(postTo(h, "/c/c/"+id, body, "Content-Encoding", "zstd").Code, qt.Equals, 200)
		}
	}
	was := h.Stats().Repeated
	c.Assert(post(h, victim).Code, qt.Equals, 200)
	c.Check(h.Stats().Repeated-was, qt.Equals, uint64(1))
}
