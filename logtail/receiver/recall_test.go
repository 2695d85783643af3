package receiver_test

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
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

// TestEntryStoredOnceAcrossRestarts sends the same body to one Handler after another, each with a new
// Store on the same directory.
func TestEntryStoredOnceAcrossRestarts(t *testing.T) {
	var batch strings.Builder
	for n := range 1500 {
		batch.WriteString(storetest.Entry(1, n, `,"a":1`))
	}
	for _, test := range []struct {
		name, body string
		want       int // entries stored
	}{
		{"an entry", storetest.Entry(1, 1, `,"a":1`), 1},
		{"an entry with nothing but metadata", storetest.Entry(1, 1, ""), 1},
		{"more entries than the least memory of a process", batch.String(), 1500},
		{"metadata at the end", `{"a":{"b":[1]},"logtail":{"proc_id":1,"proc_seq":1}}`, 1},
		{"an entry on several lines", "{\"logtail\":\n{\"proc_id\":1,\"error\":{\n\"id\":\"x\"},\n\"proc_seq\":1},\r\n\"a\":1}", 1},
		{"an unknown member of the metadata", `{"logtail":{"x":1,"proc_id":1,"proc_seq":1},"a":1}`, 1},
		{"a conflict", storetest.Entry(1, 1, `,"a":1`) + storetest.Entry(1, 1, `,"a":2`), 2},
		{"several processes", storetest.Entry(1, 1, `,"a":1`) + storetest.Entry(2, 1, `,"a":1`), 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := qt.New(t)
			dir := t.TempDir()
			var conflicts uint64
			for range 3 { // the second reads a plain file, and the third a compressed one
				synctest.Test(t, func(t *testing.T) {
					files := storetest.Open(c, dir, filestore.Options{})
					h := &receiver.Handler{Sink: files}
					c.Check(post(h, test.body).Code, qt.Equals, 200)
					conflicts += h.Stats().Conflicts
					synctest.Wait() // until files are compressed
					c.Assert(files.Close(), qt.IsNil)
				})
			}
			_, lines := storetest.Tree(c, dir)
			c.Check(lines, qt.HasLen, test.want)
			c.Check(conflicts <= 1, qt.IsTrue, qt.Commentf("%d conflicts", conflicts))
		})
	}
}

// TestRecallRemembers checks what a Handler knows of the entries that were stored before.
func TestRecallRemembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		sink := &recaller{}
		was := &receiver.Handler{Sink: sink}
		for proc := range 6 {
			time.Sleep(time.Second)
			c.Assert(post(was, storetest.Entry(proc, 7, "")).Code, qt.Equals, 200)
		}
		slices.Reverse(sink.stored) // the order does not matter
		h := &receiver.Handler{Sink: sink, Limits: receiver.Limits{MaxNewIDsPerHour: 1}}
		c.Check(h.Stats().Nodes, qt.Equals, 0)
		_, other := testID(2)
		c.Check(postTo(h, "/c/c/"+other, `{}`).Code, qt.Equals, 200)
		c.Check(post(h, storetest.Entry(5, 7, "")).Code, qt.Equals, 200, qt.Commentf("the node is not new"))
		c.Check(h.Stats().Repeated, qt.Equals, uint64(1))
		c.Check(h.Stats().Nodes, qt.Equals, 2)
		c.Check(post(h, storetest.Entry(5, 9, "")).Code, qt.Equals, 200)
		c.Check(h.Stats().Missing, qt.Equals, uint64(1))
		c.Check(post(h, storetest.Entry(5, 7, `,"a":1`)).Code, qt.Equals, 200)
		c.Check(h.Stats().Conflicts, qt.Equals, uint64(1))
		for proc := range 6 { // the first makes the Handler forget the oldest of the latest four
			c.Check(post(h, storetest.Entry(5-proc, 7, "")).Code, qt.Equals, 200)
		}
		c.Check(h.Stats().Repeated, qt.Equals, uint64(1+4))
	})
}

// TestRecallIgnoresOtherLines checks lines that the Handler did not write.
func TestRecallIgnoresOtherLines(t *testing.T) {
	c := qt.New(t)
	private, _ := testID(1)
	id := private.Public().String()
	sink := &recaller{stored: []string{
		``, `{`, `[]`, `{}`, `{"logtail":1}`, `{"logtail":{"proc_id":1,"proc_seq":1,"id":"` + id + `","server_time":"2026-`,
		`{"logtail":{"proc_id":1,"proc_seq":1,"id":"x","server_time":"2026-11-22T10:00:00Z"}}`,
		`{"logtail":{"proc_id":1,"proc_seq":-1,"id":"` + id + `","server_time":"2026-11-22T10:00:00Z"}}`,
		`{"logtail":{"proc_id":1,"id":"` + id + `","server_time":"2026-11-22T10:00:00Z"}}`,
		`{"a":1,"logtail":{"proc_id":1,"proc_seq":1,"id":"` + id + `","server_time":"2026-11-22T10:00:00Z"}}`,
		"\x00\x00" + `{"logtail":{"proc_id":1,"proc_seq":1,"id":"` + id + `","server_time":"2026-11-22T10:00:00Z"}}`,
	}}
	h := &receiver.Handler{Sink: sink}
	c.Check(post(h, `{"logtail":{"proc_id":1,"proc_seq":1}}`).Code, qt.Equals, 200)
	c.Check(h.Stats().Stored, qt.Equals, uint64(1))
}

// TestRecallBoundedTime checks that a slow disk delays the first answer for at most a second.
func TestRecallBoundedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		h := &receiver.Handler{Sink: &recaller{stored: make([]string, 1000), delay: 100 * time.Millisecond}}
		start := time.Now()
		c.Check(post(h, `{}`).Code, qt.Equals, 200)
		c.Check(time.Since(start) <= time.Second, qt.IsTrue)
		c.Check(post(h, `{}`).Code, qt.Equals, 200)
		c.Check(time.Since(start) <= time.Second, qt.IsTrue, qt.Commentf("only the first request waits"))
	})
}

// TestRecallBoundedMemory recalls as many nodes and entries as fit into what is read.
func TestRecallBoundedMemory(t *testing.T) {
	racetest.Skip(t) // it measures memory
	for name, numbers := range map[string]func(n int) (node, proc, seq int){
		"many nodes":     func(n int) (int, int, int) { return n, 1, 1 },
		"many processes": func(n int) (int, int, int) { return n / 4, n % 4, 1 },
		"many entries":   func(n int) (int, int, int) { return n % 100, 1, n / 100 },
		"one process":    func(n int) (int, int, int) { return 1, 1, n },
	} {
		t.Run(name, func(t *testing.T) {
			c := qt.New(t)
			before := heap()
			h := &receiver.Handler{Sink: madeUp(numbers)}
			c.Check(post(h, `{}`).Code, qt.Equals, 200)
			grown := heap() - before
			c.Check(grown < 100<<20, qt.IsTrue, qt.Commentf("%d bytes", grown))
			runtime.KeepAlive(h)
		})
	}
}

// recaller is a Sink that keeps the entries of one collection.
type recaller struct {
	memory
	stored []string
	delay  time.Duration // before each entry
}

func (s *recaller) Recent(int64) iter.Seq2[string, []byte] {
	s.stored = append(s.stored, s.take()...)
	return func(yield func(string, []byte) bool) {
		for _, e := range s.stored {
			time.Sleep(s.delay)
			if !yield("c", []byte(e)) {
				return
			}
		}
	}
}

// madeUp is a Sink with entries of the numbers that it returns for 0, 1, 2 and so on.
type madeUp func(n int) (node, proc, seq int)

func (madeUp) Store(ctx context.Context, _ receiver.Batch) error { return nil }

func (numbers madeUp) Recent(maxBytes int64) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		var e []byte
		for n := 0; maxBytes > 0; n++ {
			node, proc, seq := numbers(n)
			e = fmt.Appendf(e[:0], `{"logtail":{"proc_id":%d,"proc_seq":%d,"id":"%064x","server_time":"2026-11-22T10:00:00Z"}}`, proc, seq, node)
			maxBytes -= int64(len(e))
			if !yield("c", e) {
				return
			}
		}
	}
}
