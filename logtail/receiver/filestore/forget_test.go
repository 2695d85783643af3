package filestore

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
)

// TestStoreDuringForget checks that a Store that has found its dayFile just before it was forgotten
// uses a new one, and does not return ErrClosed.
func TestStoreDuringForget(t *testing.T) {
	c := qt.New(t)
	f, err := Open(t.TempDir(), Options{MinFreeBytes: -1, MaxCollections: 100})
	c.Assert(err, qt.IsNil)
	for n := range 100 {
		b := receiver.Batch{Collection: fmt.Sprint(n), Received: time.Now(), Entries: [][]byte{[]byte("1")}}
		d, err := f.dayFile(b.Collection)
		c.Assert(err, qt.IsNil)
		d.mu.Lock()
		result := make(chan error)
		go func() { result <- f.Store(t.Context(), b) }()
		for range 100 { // so that Store has most likely found d and waits for it
			runtime.Gosched()
		}
		f.mu.Lock() // as forget does
		d.closed = true
		delete(f.open, b.Collection)
		f.mu.Unlock()
		d.mu.Unlock()
		c.Check(<-result, qt.IsNil)
	}
	c.Assert(f.Close(), qt.IsNil)
}
