package wgpeer

import (
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"
)

func TestAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := errors.New("busy")
		a := NewAsker(2*time.Second, busy)
		var calls atomic.Int32
		ask := func(d time.Duration, want error) (int, error) {
			peers, err := a.Ask(func() ([]Peer, error) {
				calls.Add(1)
				time.Sleep(d)
				return make([]Peer, 3), want
			})
			return len(peers), err
		}
		n, err := ask(0, nil)
		qt.Check(t, n, qt.Equals, 3)
		qt.Check(t, err, qt.IsNil)
		_, err = ask(2*time.Second-1, io.EOF)
		qt.Check(t, err, qt.Equals, io.EOF)

		began := time.Now()
		n, err = ask(time.Minute, nil)
		qt.Check(t, n, qt.Equals, 0)
		qt.Check(t, err, qt.Equals, busy)
		qt.Check(t, time.Since(began), qt.Equals, 2*time.Second)
		for range 10 { // a device that hangs is not asked again
			_, err = ask(0, nil)
			qt.Check(t, err, qt.Equals, busy)
		}
		qt.Check(t, time.Since(began), qt.Equals, 2*time.Second)
		qt.Check(t, calls.Load(), qt.Equals, int32(3))
		time.Sleep(time.Minute)
		n, err = ask(0, nil)
		qt.Check(t, n, qt.Equals, 3)
		qt.Check(t, err, qt.IsNil)
	})
}
