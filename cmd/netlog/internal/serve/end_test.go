package serve

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/pipetest"
)

// TestServeEndWaitsForArrivedOnly ends a server with one connection, and checks how long that
// takes. A request that has not arrived completely is sent again, so it is no error.
func TestServeEndWaitsForArrivedOnly(t *testing.T) {
	post := func(length int) string {
		return fmt.Sprintf("POST /c/c/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", strings.Repeat("5e", 32), length)
	}
	for _, test := range []struct {
		name, sent string
		takes      time.Duration
	}{
		{"nothing", "", 0},
		{"half a header", "POST /c", 0},
		{"an idle connection", post(2) + "{}", 0},
		{"no body", post(9), bodyTimeout},
		{"half a body", post(9) + "[", bodyTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				s, stderr := newTestServer(c, config{})
				l := pipetest.NewListener()
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- s.run(ctx, l, nil) }()
				conn := l.Dial()
				defer conn.Close()
				go io.Copy(io.Discard, conn)
				_, err := io.WriteString(conn, test.sent)
				c.Assert(err, qt.IsNil)
				synctest.Wait()
				cancel()
				start := time.Now()
				c.Check(<-ended, qt.IsNil)
				const polling = time.Second // of Shutdown in net/http
				took := time.Since(start)
				c.Check(took >= test.takes && took < test.takes+polling, qt.IsTrue, qt.Commentf("%v", took))
				c.Check(stderr.String(), qt.Contains, "netlog serve: stopped; ")
			})
		})
	}
}

// TestServeEndReportsUnstored has requests that have arrived and are not stored in time.
func TestServeEndReportsUnstored(t *testing.T) {
	for _, test := range []struct {
		name   string
		stores time.Duration
		want   string
	}{
		{"in time", storeTimeout - time.Second, ""},
		{"too late", storeTimeout + time.Second, "1 request could not be stored in 7s; the nodes send them again"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				srv := newServer(keepAccepted(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					io.Copy(io.Discard, r.Body)
					time.Sleep(test.stores)
					w.WriteHeader(http.StatusOK)
				})), newView(io.Discard, io.Discard, false))
				l := pipetest.NewListener()
				conns := limitConns(l, 9, 9)
				go srv.Serve(conns)
				conn := l.Dial()
				defer conn.Close()
				_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
				c.Assert(err, qt.IsNil)
				synctest.Wait()
				ended := make(chan error, 1)
				go func() { ended <- endRequests(srv, conns) }()
				answer, _ := io.ReadAll(conn)
				c.Check(strings.HasPrefix(string(answer), "HTTP/1.1 200 "), qt.Equals, test.want == "")
				if err := <-ended; test.want == "" {
					c.Check(err, qt.IsNil)
				} else {
					c.Check(err, qt.ErrorMatches, test.want)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}
