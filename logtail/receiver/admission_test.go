package receiver_test

import (
	"fmt"
	"io"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
)

// from sends body as the nth node from an address.
func from(h *receiver.Handler, addr string, n int, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", fmt.Sprintf("/c/c/%064x", n), body)
	r.RemoteAddr = addr
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestAdmissionUnknownIDsLeaveRoom checks that requests with unknown IDs whose bodies do not arrive
// leave room for known nodes and, if they come from one machine, for new nodes on others.
func TestAdmissionUnknownIDsLeaveRoom(t *testing.T) {
	for name, address := range map[string]func(n int) string{
		"of one machine":                   func(int) string { return "192.0.2.9:1" },
		"of one machine with IPv6":         func(n int) string { return fmt.Sprintf("[2001:db8::%x]:1", n) },
		"of many machines":                 func(n int) string { return fmt.Sprintf("192.0.2.%d:1", n%250) },
		"of one machine, with known nodes": func(int) string { return "192.0.2.9:2" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				h := &receiver.Handler{Sink: new(memory)}
				body := func() io.Reader { return &oneByte{"{}"} }
				c.Assert(from(h, "198.51.100.1:1", 1, body()).Code, qt.Equals, 200)
				if name == "of one machine, with known nodes" {
					for n := range 200 {
						c.Assert(from(h, address(n), 1000+n, body()).Code, qt.Equals, 200)
					}
				}
				slow, finish := io.Pipe()
				var all sync.WaitGroup
				for n := range 200 {
					all.Go(func() { from(h, address(n), 1000+n, slow) })
				}
				synctest.Wait()
				for n := range 20 {
					c.Check(from(h, "198.51.100.1:1", 1, body()).Code, qt.Equals, 200)
					if name != "of many machines" {
						c.Check(from(h, "198.51.100.2:1", 2+n, body()).Code, qt.Equals, 200)
					}
				}
				finish.Close()
				all.Wait()
				for n := range 20 {
					c.Check(from(h, address(n), 5000+n, body()).Code, qt.Equals, 200, qt.Commentf("after the slow bodies"))
				}
			})
		})
	}
}

// oneByte is a Reader that returns one byte at a time.
type oneByte struct{ rest string }

func (r *oneByte) Read(p []byte) (int, error) {
	if r.rest == "" {
		return 0, io.EOF
	}
	n := copy(p[:1], r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
