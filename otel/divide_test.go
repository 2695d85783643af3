package otel_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/otel"
)

// TestTransportTooLarge checks that the flows of one large record are sent in parts, down to single flows. The
// Collector answers 400 to a body that is too large.
func TestTransportTooLarge(t *testing.T) {
	for _, status := range []int{400, 413} {
		for _, limit := range []int{1 << 20, 10_000, 1_000} {
			synctest.Test(t, func(t *testing.T) {
				srv := &collector{answer: func(_ int, r *request, w http.ResponseWriter) {
					if r.size > limit {
						failWith(w, status, "too large")
					}
				}}
				u := upload(t, srv, logtail.Config{FlushDelay: time.Second})
				u.write(upTo(200)...)
				u.write(201)
				u.end()
				qt.Check(t, srv.bodies(), qt.DeepEquals, bodiesOf(upTo(201)...))
				qt.Check(t, u.Logger.Stats().DeliveredEntries, qt.Equals, uint64(2))
				qt.Check(t, u.transport.Stats(), qt.Equals, otel.Stats{Accepted: 201})
				qt.Check(t, u.dials, qt.Equals, 1)
			})
		}
	}
}

// TestTransportRefusedFlowAlone has an entry with a flow that the collector cannot process, first, in the middle
// or last.
func TestTransportRefusedFlowAlone(t *testing.T) {
	for _, bad := range []int{1, 41, 100} {
		for _, status := range []int{400, 422, 500} {
			synctest.Test(t, func(t *testing.T) {
				srv := &collector{answer: refuseFlow(bad, status)}
				u := upload(t, srv, logtail.Config{})
				u.write(upTo(100)...)
				u.end()
				want := append(upTo(bad-1), upTo(100)[bad:]...)
				qt.Check(t, srv.bodies(), qt.DeepEquals, bodiesOf(want...))
				qt.Check(t, u.transport.Stats(), qt.Equals, otel.Stats{Accepted: 99, Rejected: 1})
				qt.Check(t, u.Logger.Stats().DeliveredEntries, qt.Equals, uint64(1))
				qt.Check(t, u.log(), qt.Matches, `otel: the collector rejected 1 of 100 log records, which are lost: ".*cannot process"`)
			})
		}
	}
}

// refuseFlow refuses requests with the flow to a port.
func refuseFlow(port, status int) func(int, *request, http.ResponseWriter) {
	return func(_ int, r *request, w http.ResponseWriter) {
		for _, rec := range r.records {
			if rec.Body.GetStringValue() == flow(port) {
				failWith(w, status, "cannot process")
				return
			}
		}
	}
}

// TestTransportEverythingRefused checks that nothing is given up, and that the collector is not flooded.
func TestTransportEverythingRefused(t *testing.T) {
	for _, flows := range []int{1, 2, 3, 500} {
		synctest.Test(t, func(t *testing.T) {
			var accepting atomic.Bool
			srv := &collector{answer: func(_ int, _ *request, w http.ResponseWriter) {
				if !accepting.Load() {
					failWith(w, 400, "no")
				}
			}}
			u := upload(t, srv, logtail.Config{})
			u.write(upTo(flows)...)
			time.Sleep(time.Hour)
			synctest.Wait()
			qt.Check(t, len(srv.requests) <= 15*22, qt.IsTrue, qt.Commentf("%d requests", len(srv.requests)))
			accepting.Store(true)
			u.end()
			qt.Check(t, srv.bodies(), qt.DeepEquals, bodiesOf(upTo(flows)...))
			qt.Check(t, u.log(), qt.Contains, `the server answers 400 Bad Request: "no"`)
			qt.Check(t, u.transport.Stats(), qt.Equals, otel.Stats{Accepted: int64(flows)})
		})
	}
}

// TestTransportDividedIsRetried has a collector that fails after the first part. Only the other part is sent again.
func TestTransportDividedIsRetried(t *testing.T) {
	for name, fail := range map[string]func(w http.ResponseWriter){
		"503":       func(w http.ResponseWriter) { failWith(w, 503, "busy") },
		"401":       func(w http.ResponseWriter) { failWith(w, 401, "no such key") },
		"no answer": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := &collector{answer: func(n int, r *request, w http.ResponseWriter) {
					switch {
					case n == 2:
						fail(w)
					case len(r.records) > 5:
						failWith(w, 413, "too large")
					}
				}}
				u := upload(t, srv, logtail.Config{})
				u.write(upTo(10)...)
				u.end()
				qt.Check(t, srv.uids(), qt.HasLen, 10)
				qt.Check(t, len(srv.stored), qt.Equals, 10)
			})
		})
	}
}
