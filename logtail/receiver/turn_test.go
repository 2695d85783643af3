package receiver_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
)

// slowFor is a Sink that takes its time for one node.
type slowFor struct {
	id   logtail.PublicID
	time time.Duration
}

func (s slowFor) Store(_ context.Context, b receiver.Batch) error {
	if b.ID == s.id {
		time.Sleep(s.time)
	}
	return nil
}

// TestTurnSlowNodeDelaysNoOther: requests that wait for the turn of their node wait
// outside, and not in the places that all nodes share.
func TestTurnSlowNodeDelaysNoOther(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2)) // four places, half of what one node may send at once
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		private, slow := testID(1)
		h := &receiver.Handler{Sink: slowFor{private.Public(), time.Second}}
		var all sync.WaitGroup
		start := time.Now()
		for range 8 {
			all.Go(func() { c.Check(postTo(h, "/c/c/"+slow, `{}`).Code, qt.Equals, 200) })
		}
		synctest.Wait()
		for n := range byte(10) {
			_, other := testID(2 + n)
			c.Check(postTo(h, "/c/c/"+other, `{}`).Code, qt.Equals, 200)
		}
		c.Check(time.Since(start), qt.Equals, time.Duration(0))
		all.Wait()
		c.Check(time.Since(start), qt.Equals, 8*time.Second, qt.Commentf("one at a time"))
	})
}

// TestTurnTimeout, and what waited in vain takes nothing with it.
func TestTurnTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		private, slow := testID(1)
		h := &receiver.Handler{Sink: slowFor{private.Public(), time.Minute}}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				start := time.Now()
				c.Check(postTo(h, "/c/c/"+slow, `{}`).Code, qt.Equals, 503)
				c.Check(time.Since(start), qt.Equals, receiver.DefaultStoreTimeout)
			})
		}
		all.Wait()
		time.Sleep(time.Minute) // until the one in the Sink is stored
		c.Check(h.Stats().Stored, qt.Equals, uint64(1))
		c.Check(h.Stats().Unavailable, qt.Equals, uint64(8))
	})
}
