package receiver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/racetest"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
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
		for encoding, compress := range map[string]func(string) string{"zstd": storetest.Compress, "gzip": storetest.Gzip} {
			t.Run(test.name+", "+encoding, func(t *testing.T) {
				body := compress(test.body)
				if len(test.body) == 9<<20 { // one frame of zstd would be refused before it is decompressed
					body = strings.Repeat(compress(blanks), 9)
				}
				synctest.Test(t, func(t *testing.T) {
					c := qt.New(t)
					sink := new(memory)
					if test.want == 403 {
						sink.fail = func(context.Context) error { return receiver.ErrCollections }
					}
					h := &receiver.Handler{Sink: sink, Limits: receiver.Limits{MaxBytesPerHour: 128 << 10}}
					header := append([]string{"Content-Encoding", encoding}, test.header...)
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
	racetest.Skip(t) // one goroutine, and slow
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

// TestQuotaCoversDisk sends as much as the quota of an hour permits, in forms that are smaller on the wire
// than on the disk. The disk must not get more than the quota and one body.
func TestQuotaCoversDisk(t *testing.T) {
	racetest.Skip(t) // one goroutine, and slow
	const perHour, body = 4 << 20, 16 << 10
	rng := storetest.NewNoise()
	fill := func(entry func() string) func() string {
		return func() string {
			var b strings.Builder
			for b.Len() < body {
				b.WriteString(entry())
			}
			return b.String()
		}
	}
	for name, next := range map[string]func() string{
		"noise":         fill(func() string { return `{"a":"` + rng.Line(4000) + `"}` }),
		"tiny entries":  fill(func() string { return `{}` }),
		"repeated text": fill(func() string { return `{"a":"` + strings.Repeat("a", 4000) + `"}` }),
	} {
		for _, compressed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, compressed %v", name, compressed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := qt.New(t)
					files := storetest.Open(c, t.TempDir(), filestore.Options{})
					synctest.Wait() // until it has added up the sizes: what is written meanwhile may count twice
					h := &receiver.Handler{Sink: files, Limits: receiver.Limits{MaxBytesPerHour: perHour}}
					var stored, largest int64 // largest: what one request stored
					code := 200
					for code == 200 {
						if compressed {
							code = post(h, storetest.Compress(next()), "Content-Encoding", "zstd").Code
						} else {
							code = post(h, next()).Code
						}
						largest = max(largest, files.Bytes()-stored)
						stored = files.Bytes()
					}
					c.Check(code, qt.Equals, http.StatusTooManyRequests)
					c.Check(stored >= perHour && stored < perHour+largest, qt.IsTrue, qt.Commentf("%d bytes, %d at once", stored, largest))
					time.Sleep(25 * time.Hour) // until the file is compressed
					synctest.Wait()
					c.Check(files.Bytes() <= stored+stored/100, qt.IsTrue, qt.Commentf("%d bytes", files.Bytes()))
					c.Assert(files.Close(), qt.IsNil)
				})
			})
		}
	}
}
