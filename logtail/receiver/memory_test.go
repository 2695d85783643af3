package receiver_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

// TestBodyOfManyProcessesBoundedMemory checks that the streams that one body makes the Handler forget
// are freed before the body is stored.
func TestBodyOfManyProcessesBoundedMemory(t *testing.T) {
	c := qt.New(t)
	var body strings.Builder
	for n := range 10_000 {
		body.WriteString(storetest.Entry(n+1, 1, ""))
	}
	sink := new(memory)
	h := &receiver.Handler{Sink: sink}
	before := heap()
	sink.fail = func(context.Context) error {
		grown := heap() - before
		c.Check(grown < 16<<20, qt.IsTrue, qt.Commentf("%d bytes", grown))
		return errors.New("no")
	}
	c.Check(post(h, body.String()).Code, qt.Equals, http.StatusServiceUnavailable)
	sink.fail = nil
	c.Check(post(h, body.String()).Code, qt.Equals, http.StatusOK)
	c.Check(sink.take(), qt.HasLen, 10_000, qt.Commentf("entries that were not stored do not count as seen"))
}

// heap returns the number of bytes in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
