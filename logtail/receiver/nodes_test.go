package receiver_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

// manyNodes sends one entry from each of many nodes to a Handler. A request of node 0 is in the Sink
// until release.
type manyNodes struct {
	c       *qt.C
	h       *receiver.Handler
	sink    *memory
	release func()
}

func newManyNodes(c *qt.C) *manyNodes {
	hang := make(chan struct{})
	m := &manyNodes{c: c, sink: &memory{fail: func(context.Context) error { <-hang; return nil }}}
	m.h = &receiver.Handler{Sink: m.sink, Limits: receiver.Limits{MaxNewIDsPerHour: -1, MaxBytesPerHour: -1}}
	go m.post(0, storetest.Entry(1, 1, ""))
	synctest.Wait()
	m.sink.fail = nil
	m.release = func() { close(hang); synctest.Wait(); m.sink.take() }
	return m
}

// post sends body as node n. It is cheaper than postTo.
func (m *manyNodes) post(n int, body string) {
	w := httptest.NewRecorder()
	m.h.ServeHTTP(w, &http.Request{
		Method: "POST", URL: &url.URL{Path: fmt.Sprintf("/c/c/%064x", n+1)}, Body: io.NopCloser(strings.NewReader(body)),
	})
	m.c.Check(w.Code, qt.Equals, 200)
}

// stores sends the entry of node n. It reports whether the entry was stored, not remembered.
func (m *manyNodes) stores(n int) bool {
	m.post(n, storetest.Entry(1, 1, ""))
	return len(m.sink.take()) == 1
}

func TestNodesLongestSilentForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const maxNodes = 65536
		c := qt.New(t)
		m := newManyNodes(c)
		for n := range 4 {
			m.stores(n + 1)
		}
		for n := m.h.Stats().Nodes; n < maxNodes; n++ {
			m.post(n, "{}")
		}
		m.sink.take()
		c.Check(m.h.Stats().Nodes, qt.Equals, maxNodes)
		c.Check(m.stores(1), qt.IsFalse)
		c.Check(m.stores(maxNodes), qt.IsTrue, qt.Commentf("one more"))
		c.Check(m.h.Stats().Nodes, qt.Equals, maxNodes)
		c.Check(m.stores(1), qt.IsFalse, qt.Commentf("used just before"))
		c.Check(m.stores(2), qt.IsTrue, qt.Commentf("silent the longest"))
		c.Check(m.stores(4), qt.IsFalse)
		m.release()
		c.Check(m.stores(0), qt.IsFalse, qt.Commentf("busy"))
	})
}

func TestStreamsLongestSilentForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const nodes = 64 << 20 / 16 / 256 // as many as fit into maxSlots
		c := qt.New(t)
		m := newManyNodes(c)
		for n := 1; n < nodes; n++ {
			c.Assert(m.stores(n), qt.IsTrue)
		}
		c.Check(m.stores(1), qt.IsFalse)
		c.Check(m.stores(nodes), qt.IsTrue, qt.Commentf("one more"))
		c.Check(m.h.Stats().Nodes, qt.Equals, nodes+1, qt.Commentf("the nodes themselves are remembered"))
		c.Check(m.stores(1), qt.IsFalse, qt.Commentf("used just before"))
		c.Check(m.stores(2), qt.IsTrue, qt.Commentf("silent the longest"))
		c.Check(m.stores(nodes/2), qt.IsFalse)
		m.release()
		c.Check(m.stores(0), qt.IsFalse, qt.Commentf("busy"))
	})
}
