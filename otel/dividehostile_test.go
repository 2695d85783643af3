package otel_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/otel"
)

// TestTransportDividedGoesOn has a collector that is too slow for all parts of an entry within the timeout of a
// request, or that allows only some requests a minute. The next attempt goes on where the last one has ended.
func TestTransportDividedGoesOn(t *testing.T) {
	refuse := refuseFlow(41, 400)
	for name, answer := range map[string]func(int, *request, http.ResponseWriter){
		"slow": func(n int, r *request, w http.ResponseWriter) { time.Sleep(4 * time.Second); refuse(n, r, w) },
		"rate": func(n int, r *request, w http.ResponseWriter) {
			if n%6 == 5 {
				w.Header().Set("Retry-After", "60")
				failWith(w, 429, "slow down")
				return
			}
			refuse(n, r, w)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := &collector{answer: answer}
				u := upload(t, srv, logtail.Config{})
				u.write(upTo(300)...)
				u.write(301)
				time.Sleep(time.Hour)
				synctest.Wait()
				checkStored(t, srv, append(upTo(40), upTo(301)[41:]...))
				qt.Check(t, u.transport.Stats(), qt.Equals, otel.Stats{Accepted: 300, Rejected: 1})
				qt.Check(t, strings.Count(u.log(), "rejected 1 of 300 log records"), qt.Equals, 1, qt.Commentf("%s", u.log()))
				u.stop()
			})
		})
	}
}

// checkStored checks that each flow to one of the ports is stored once, and no other. It shows no difference, which
// would take a minute to find.
func checkStored(t *testing.T, srv *collector, ports []int) {
	t.Helper()
	got := srv.bodies()
	qt.Check(t, slices.Equal(got, bodiesOf(ports...)), qt.IsTrue, qt.Commentf("%d log records", len(got)))
}

// stop ends the uploader, whatever it has delivered.
func (u *uploader) stop() {
	u.Shutdown(canceled(u.t))
	u.transport.CloseIdleConnections()
}

// TestTransportRefusedFlowsInRow has an entry with many flows in a row that the collector cannot process. All
// others are stored.
func TestTransportRefusedFlowsInRow(t *testing.T) {
	for _, bad := range [][2]int{{1, 30}, {1, 74}, {20, 80}, {2, 100}} {
		synctest.Test(t, func(t *testing.T) {
			refused := bodiesOf(upTo(100)[bad[0]-1 : bad[1]]...)
			srv := &collector{answer: func(_ int, r *request, w http.ResponseWriter) {
				for _, rec := range r.records {
					if slices.Contains(refused, rec.Body.GetStringValue()) {
						failWith(w, 400, "cannot process")
						return
					}
				}
			}}
			u := upload(t, srv, logtail.Config{})
			u.write(upTo(100)...)
			time.Sleep(time.Minute)
			synctest.Wait()
			checkStored(t, srv, append(upTo(bad[0]-1), upTo(100)[bad[1]:]...))
			qt.Check(t, u.transport.Stats(), qt.Equals, otel.Stats{Accepted: 100 - int64(len(refused)), Rejected: int64(len(refused))})
			u.stop()
		})
	}
}

// TestTransportDividedHostileAnswers has answers to the parts of an entry that do not end as they should.
func TestTransportDividedHostileAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		answer   func(w http.ResponseWriter)
		requests int
	}{
		"switches protocols":                {switchProtocols, 4},
		"incomplete 200":                    {incomplete, 4},
		"200 with a slow body":              {func(w http.ResponseWriter) { drip(w, time.Second) }, 3},
		"200 with an endless body":          {func(w http.ResponseWriter) { drip(w, 0) }, 3},
		"503 with a slow body":              {func(w http.ResponseWriter) { w.WriteHeader(503); drip(w, time.Second) }, 4},
		"413 with a slow body":              {func(w http.ResponseWriter) { w.WriteHeader(413); drip(w, time.Second) }, 5},
		"a status that nobody has heard of": {func(w http.ResponseWriter) { w.WriteHeader(999) }, 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := &collector{answer: func(n int, _ *request, w http.ResponseWriter) {
					switch n {
					case 0:
						w.WriteHeader(413)
						drip(w, time.Second)
					case 1:
						test.answer(w)
					}
				}}
				u := upload(t, srv, logtail.Config{})
				u.write(1, 2, 3, 4)
				time.Sleep(time.Hour)
				synctest.Wait()
				qt.Check(t, len(srv.requests), qt.Equals, test.requests)
				qt.Check(t, srv.requests[1].at.Sub(srv.requests[0].at) <= 5*time.Second, qt.IsTrue)
				qt.Check(t, srv.uids(), qt.HasLen, 4)
				qt.Check(t, u.transport.Stats(), qt.Equals, otel.Stats{Accepted: 4})
				u.stop()
			})
		})
	}
}

// switchProtocols answers 101, and keeps the connection.
func switchProtocols(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
	conn.Read(make([]byte, 1)) // until the client closes it
	conn.Close()
}

// TestTransportOtherEntrySameNumber has an entry with the number of one that was delivered in part, but fewer flows.
func TestTransportOtherEntrySameNumber(t *testing.T) {
	answers := []int{413, 200, 503, 200}
	transport := otel.Transport{Base: roundTripper(func(*http.Request) (*http.Response, error) {
		status := answers[0]
		answers = answers[1:]
		return &http.Response{StatusCode: status, Body: http.NoBody}, nil
	})}
	checkAnswer(t, &transport, `{"txPkts":1},{"txPkts":2},{"txPkts":3},{"txPkts":4}`, 503)
	checkAnswer(t, &transport, `{"txPkts":1},{"txPkts":2}`, 200)
	qt.Check(t, transport.Stats(), qt.Equals, otel.Stats{Accepted: 4})
}

// checkAnswer sends an entry with flows, and checks the answer of the transport.
func checkAnswer(t *testing.T, transport *otel.Transport, flows string, status int) {
	t.Helper()
	body := `[{"logtail":{"client_time":"2026-11-22T10:00:00Z","proc_id":1,"proc_seq":1},"exitTraffic":[` + flows + `]}]`
	req, err := http.NewRequest("POST", "http://127.0.0.1:4318/v1/logs", strings.NewReader(body))
	qt.Assert(t, err, qt.IsNil)
	resp, err := transport.RoundTrip(req)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, resp.StatusCode, qt.Equals, status)
}
