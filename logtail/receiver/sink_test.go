package receiver_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

func TestSinkSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		hang := make(chan struct{})
		sink := &memory{fail: func(context.Context) error { <-hang; return nil }}
		h := &receiver.Handler{Sink: sink}
		start := time.Now()
		c.Check(post(h, storetest.Entry(1, 1, "")).Code, qt.Equals, 503)
		c.Check(time.Since(start), qt.Equals, receiver.DefaultStoreTimeout)
		// A second request of the node waits for the first.
		c.Check(post(h, storetest.Entry(1, 1, "")).Code, qt.Equals, 503)
		c.Check(time.Since(start), qt.Equals, 2*receiver.DefaultStoreTimeout)
		close(hang)
		synctest.Wait()
		c.Check(post(h, storetest.Entry(1, 1, "")).Code, qt.Equals, 200)
		c.Check(sink.take(), qt.HasLen, 1, qt.Commentf("the first was stored in the end, so the others are duplicates"))
	})
}

// TestSinkErrorOfClientNotLogged checks that clients cannot fill the log.
func TestSinkErrorOfClientNotLogged(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		want int
	}{
		{"too many collections", receiver.ErrCollections, 403},
		{"a client that disconnected", context.Canceled, 503},
	} {
		c := qt.New(t)
		sink := &memory{fail: func(context.Context) error { return fmt.Errorf("store: %w", test.err) }}
		h := &receiver.Handler{Sink: sink, Logf: func(f string, a ...any) { c.Errorf(f, a...) }}
		c.Check(post(h, storetest.Entry(1, 1, "")).Code, qt.Equals, test.want, qt.Commentf(test.name))
		sink.fail = nil
		c.Check(post(h, storetest.Entry(1, 1, "")).Code, qt.Equals, 200)
		c.Check(sink.take(), qt.HasLen, 1)
	}
}

func TestSinkHungBoundedMemory(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3)) // six tokens, which is less than a quarter of MaxRequests
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		hang := make(chan struct{})
		defer close(hang)
		var mu sync.Mutex
		hung := 0
		sink := &memory{fail: func(context.Context) error { mu.Lock(); hung++; mu.Unlock(); <-hang; return nil }}
		h := &receiver.Handler{Sink: sink, Limits: receiver.Limits{MaxRequests: 40}}
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
		c.Check(hung, qt.Equals, 6)
	})
}

func TestSinkPanicReachesServer(t *testing.T) {
	c := qt.New(t)
	sink := &memory{fail: func(context.Context) error { panic("sink") }}
	h := &receiver.Handler{Sink: sink}
	for range 20 { // more than there are tokens of unpacking
		c.Check(func() { post(h, storetest.Entry(1, 1, "")) }, qt.PanicMatches, `(?s)sink\n.*`)
	}
	sink.fail = nil
	c.Check(post(h, storetest.Entry(1, 1, "")).Code, qt.Equals, 200)
}
