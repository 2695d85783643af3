package otel_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/otel"
)

// partialSuccess returns the body of an answer that rejects n log records.
func partialSuccess(n byte, message string) []byte {
	return append([]byte{0x0a, 4 + byte(len(message)), 0x08, n, 0x12, byte(len(message))}, message...)
}

// TestTransportHidesWhatIsRepeated has a collector that repeats secrets of the request in its answer, in other
// notations than in the header.
func TestTransportHidesWhatIsRepeated(t *testing.T) {
	const token, password = secrettest.Token, "pass+word/1"
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("bob:"+password))
	for _, message := range []string{
		"key " + token, "key " + strings.ToUpper(token), "key " + token[3:],
		"wrong password " + password, "wrong password " + url.QueryEscape(password), `wrong password pass\u002bword\u002f1`,
		"POST /v1/logs/path-secret?key=query-secret", "unknown key query-secret", "no such path-secret",
	} {
		var logged []string
		transport := otel.Transport{
			Base: roundTripper(func(*http.Request) (*http.Response, error) {
				h := http.Header{"Content-Type": {"application/x-protobuf"}}
				return &http.Response{StatusCode: 200, Header: h, Body: io.NopCloser(strings.NewReader(string(partialSuccess(1, message))))}, nil
			}),
			Logf: func(format string, args ...any) { logged = append(logged, fmt.Sprintf(format, args...)) },
		}
		req, err := http.NewRequest("POST", "http://127.0.0.1:4318/v1/logs/path-secret?key=query-secret", strings.NewReader(`[{"text":"x"}]`))
		qt.Assert(t, err, qt.IsNil)
		req.Header = http.Header{"X-Api-Key": {token}, "Authorization": {basic}, "Content-Type": {"application/json"}}
		resp, err := transport.RoundTrip(req)
		qt.Assert(t, err, qt.IsNil)
		_, err = io.ReadAll(resp.Body)
		qt.Check(t, err, qt.IsNil)
		qt.Check(t, resp.Body.Close(), qt.IsNil)
		qt.Check(t, logged, qt.DeepEquals, []string{"otel: the collector rejected 1 of 1 log records, which are lost: [hidden]"}, qt.Commentf("%s", message))
	}
}

// TestTransportTellsAgain has a collector with a new reason each time. They are not told without bound, but a
// later fault is told.
func TestTransportTellsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := upload(t, &collector{answer: func(n int, _ *request, w http.ResponseWriter) {
			if n < 26 || n >= 36 {
				w.Write(partialSuccess(1, fmt.Sprintf("reason %c", 'A'+n)))
			}
		}}, logtail.Config{})
		write := func() {
			u.write(1, 2)
			time.Sleep(10 * time.Second)
		}
		for range 26 {
			write()
		}
		bounded := strings.Count(u.log(), "\n")
		qt.Check(t, bounded < 20, qt.IsTrue, qt.Commentf("%s", u.log()))
		for range 10 {
			write()
		}
		qt.Check(t, strings.Count(u.log(), "\n"), qt.Equals, bounded, qt.Commentf("%s", u.log()))
		write()
		u.end()
		qt.Check(t, strings.HasSuffix(u.log(), `which are lost: "reason e"`), qt.IsTrue, qt.Commentf("%s", u.log()))
		qt.Check(t, u.transport.Stats(), qt.Equals, otel.Stats{Accepted: 47, Rejected: 27})
	})
}

// TestTransportIncompleteAnswer checks that log records that will be sent again are not told as lost.
func TestTransportIncompleteAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &collector{answer: func(n int, _ *request, w http.ResponseWriter) {
			if n == 0 {
				w.Header().Set("Content-Length", "100")
				w.Write(partialSuccess(2, "too old"))
				http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}
		}}
		u := upload(t, srv, logtail.Config{})
		u.write(1, 2, 3)
		time.Sleep(time.Minute)
		u.end()
		qt.Check(t, srv.requests, qt.HasLen, 2)
		qt.Check(t, u.transport.Stats(), qt.Equals, otel.Stats{Accepted: 3})
		qt.Check(t, u.log(), qt.Not(qt.Contains), "lost")
	})
}

// TestTransportHostileBodies has answers whose body is endless, slow, or not what it should be.
func TestTransportHostileBodies(t *testing.T) {
	for name, write := range map[string]func(w http.ResponseWriter){
		"empty":    func(http.ResponseWriter) {},
		"random":   func(w http.ResponseWriter) { w.Write([]byte("\xff\xfe\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f")) },
		"JSON":     func(w http.ResponseWriter) { io.WriteString(w, `{"partialSuccess":{}}`) },
		"10 MB":    func(w http.ResponseWriter) { io.WriteString(w, strings.Repeat(secrettest.Token, 1<<20)) },
		"endless":  func(w http.ResponseWriter) { drip(w, 0) },
		"slow":     func(w http.ResponseWriter) { drip(w, time.Second) },
		"negative": func(w http.ResponseWriter) { w.Write([]byte("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := &collector{answer: func(_ int, _ *request, w http.ResponseWriter) {
					w.Header().Set("Content-Type", "application/x-protobuf")
					write(w)
				}}
				u := upload(t, srv, logtail.Config{})
				u.write(1, 2, 3)
				u.end()
				time.Sleep(time.Minute) // the server notices that the client has gone
				qt.Check(t, len(srv.requests), qt.Equals, 1)
				qt.Check(t, u.transport.Stats(), qt.Equals, otel.Stats{Accepted: 3})
				qt.Check(t, u.log(), qt.Equals, "")
			})
		})
	}
}

// drip writes bytes until the client has gone away.
func drip(w http.ResponseWriter, pause time.Duration) {
	for {
		if _, err := io.WriteString(w, "x"); err != nil {
			return
		}
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		time.Sleep(pause)
	}
}
