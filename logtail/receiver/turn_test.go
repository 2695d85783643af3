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

// slowFor is a Sink that is slow for one node.
type slowFor struct {
	id    logtail.PublicID
	delay time.Duration
}

func (s slowFor) Store(_ context.Context, b receiver.Batch) error {
	if b.ID == s.id {
		time.Sleep(s.delay)
	}
	return nil
}

// TestTurnSlowNodeDelaysNoOther checks that requests that wait for the turn of their node do not hold
// the tokens of unpacking that all nodes share.
func TestTurnSlowNodeDelaysNoOther(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2)) // four tokens, half of maxHeld
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

// TestTurnTimeout checks that requests that wait too long for their turn end at StoreTimeout, and
// release what they hold.
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
		time.Sleep(time.Minute) // until the first request is stored
		c.Check(h.Stats().Stored, qt.Equals, uint64(1))
		c.Check(h.Stats().Unavailable, qt.Equals, uint64(8))
	})
}
