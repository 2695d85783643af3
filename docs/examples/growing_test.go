package examples_test

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
)

// growing is a store of netlog serve that receives numbered entries of two nodes. Its files are small, so
// that one is finished and compressed about every second. It is closed and opened again every 40
// rounds, and every fourth round is sent twice.
type growing struct {
	numbered
	t       *testing.T
	dir     string
	files   *filestore.Store
	handler *receiver.Handler
	rounds  int
	stored  atomic.Int64 // entries of each node that were answered 200

	stop func() // ends growing and closes the store
}

// grow returns a store that has entries, and receives more until stop is called.
func grow(t *testing.T) *growing {
	g := &growing{numbered: newNumbered(), t: t, dir: filepath.Join(t.TempDir(), "flows")}
	g.open()
	for range 200 {
		g.round()
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				g.round()
			}
		}
	}()
	g.stop = sync.OnceFunc(func() {
		close(quit)
		<-done
		qt.Check(t, g.files.Close(), qt.IsNil)
	})
	t.Cleanup(g.stop)
	return g
}

// open opens the store.
func (g *growing) open() {
	var err error
	g.files, err = filestore.Open(g.dir, filestore.Options{MaxFileBytes: 256 << 10})
	qt.Check(g.t, err, qt.IsNil)
	g.handler = &receiver.Handler{Sink: g.files}
}

// round stores the next 20 entries of each node.
func (g *growing) round() {
	g.rounds++
	if g.rounds%40 == 0 {
		qt.Check(g.t, g.files.Close(), qt.IsNil)
		g.open()
	}
	times := 1
	if g.rounds%4 == 0 {
		times = 2
	}
	for range times {
		for _, node := range []byte("ab") {
			var lines []string
			for n := g.stored.Load(); n < g.stored.Load()+20; n++ {
				lines = append(lines, fmt.Sprintf(`{"logtail":{"proc_id":7,"proc_seq":%d},%s}`, n, g.members(node, n)))
			}
			id, err := privateID(node).MarshalText()
			qt.Check(g.t, err, qt.IsNil)
			r := httptest.NewRequest("POST", "/c/netlog/"+string(id), strings.NewReader(strings.Join(lines, "\n")))
			w := httptest.NewRecorder()
			g.handler.ServeHTTP(w, r)
			qt.Check(g.t, w.Code, qt.Equals, 200)
		}
	}
	g.stored.Add(20)
}
