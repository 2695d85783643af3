package otel_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/otel"
)

// TestTransportEachFlowOnce also checks what the collector gets to see: compression as configured, the
// headers of the Config, and no private ID.
func TestTransportEachFlowOnce(t *testing.T) {
	for name, cfg := range map[string]logtail.Config{
		"zstd":  {FlushDelay: time.Second},
		"gzip":  {FlushDelay: time.Second, Gzip: true},
		"plain": {FlushDelay: time.Second, DisableCompression: true},
		"lines": {FlushDelay: time.Second, Encoding: logtail.NDJSON},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := &collector{}
				u := upload(t, srv, cfg)
				for port := 1; port <= 500; port += 5 {
					u.write(port, port+1, port+2, port+3, port+4)
				}
				u.end()
				qt.Check(t, srv.bodies(), qt.DeepEquals, bodiesOf(upTo(500)...))
				qt.Check(t, srv.uids(), qt.HasLen, 500)
				qt.Check(t, srv.requests, qt.HasLen, 1)
				encoding := map[bool]string{true: "", false: "gzip"}[cfg.DisableCompression]
				qt.Check(t, srv.requests[0].header.Get("Content-Encoding"), qt.Equals, encoding)
				qt.Check(t, u.transport.Stats(), qt.Equals, otel.Stats{Accepted: 500})
				qt.Check(t, u.dials, qt.Equals, 1)
				qt.Check(t, u.log(), qt.Equals, "")
			})
		})
	}
}

func TestTransportResourceAndScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &collector{}
		u := upload(t, srv, logtail.Config{})
		u.write(1)
		u.end()
		res := srv.requests[0].export.ResourceLogs[0]
		qt.Check(t, attributes(res.Resource.Attributes), qt.DeepEquals, map[string]any{"service.name": "netlog"})
		qt.Check(t, res.ScopeLogs[0].Scope.Name, qt.Equals, "github.com/go-netlog/netlog/otel")
		qt.Check(t, res.ScopeLogs[0].SchemaUrl, qt.Matches, `https://opentelemetry.io/schemas/1\.\d+\.0`)
	})
}

// TestTransportRetries checks that an entry stays in the Buffer until a 2xx, and that Retry-After is obeyed.
func TestTransportRetries(t *testing.T) {
	tests := map[string]struct {
		answer func(w http.ResponseWriter)
		wait   time.Duration
	}{
		"429 with Retry-After":     {func(w http.ResponseWriter) { w.Header().Set("Retry-After", "7"); failWith(w, 429, "slow down") }, 7 * time.Second},
		"503 with Retry-After":     {func(w http.ResponseWriter) { w.Header().Set("Retry-After", "60"); failWith(w, 503, "busy") }, time.Minute},
		"502 of a proxy":           {func(w http.ResponseWriter) { http.Error(w, "bad gateway", http.StatusBadGateway) }, time.Second},
		"504":                      {func(w http.ResponseWriter) { failWith(w, 504, "timeout") }, time.Second},
		"500 of a proxy":           {func(w http.ResponseWriter) { http.Error(w, "oops", http.StatusInternalServerError) }, time.Second},
		"no answer":                {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, time.Second},
		"incomplete answer":        {incomplete, time.Second},
		"401, a fault of settings": {func(w http.ResponseWriter) { failWith(w, 401, "no such key") }, time.Second},
		"redirect":                 {func(w http.ResponseWriter) { w.Header().Set("Location", "/"); w.WriteHeader(307) }, time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := &collector{answer: func(n int, _ *request, w http.ResponseWriter) {
					if n < 3 {
						test.answer(w)
					}
				}}
				u := upload(t, srv, logtail.Config{})
				u.write(1, 2)
				time.Sleep(time.Hour)
				u.end()
				for i, r := range srv.requests[1:] {
					qt.Check(t, r.at.Sub(srv.requests[i].at) >= test.wait, qt.IsTrue)
				}
				qt.Check(t, srv.requests, qt.HasLen, 4)
				for uid, n := range srv.uids() {
					qt.Check(t, uid, qt.Not(qt.Equals), "<nil>")
					if name != "incomplete answer" { // those were stored
						qt.Check(t, n, qt.Equals, 1)
					}
				}
				qt.Check(t, srv.uids(), qt.HasLen, 2)
			})
		})
	}
}

// incomplete writes a 200 with less than it promises.
func incomplete(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "100")
	w.Write([]byte("x"))
	http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// TestTransportAnswerTexts checks that the uploader logs the text of a google.rpc.Status, and no secret that
// it repeats.
func TestTransportAnswerTexts(t *testing.T) {
	for message, want := range map[string]string{
		"no such key":          `the server answers 401 Unauthorized: "no such key"`,
		"\x1b[2Jtext":          `the server answers 401 Unauthorized: "\x1b[2Jtext"`,
		secrettest.Token + "x": `the server answers 401 Unauthorized: "[hidden]"`,
	} {
		synctest.Test(t, func(t *testing.T) {
			u := upload(t, &collector{answer: func(n int, _ *request, w http.ResponseWriter) {
				if n == 0 {
					failWith(w, 401, message)
				}
			}}, logtail.Config{})
			u.write(1)
			u.end()
			qt.Check(t, u.log(), qt.Contains, want)
		})
	}
}

// TestTransportRefusedEntryBlocksNoOthers has a collector that cannot process the flow to port 13. It says so
// with 400, or with the 500 that the Collector sends for a permanent error of an exporter.
func TestTransportRefusedEntryBlocksNoOthers(t *testing.T) {
	for _, status := range []int{400, 500} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := &collector{answer: func(_ int, r *request, w http.ResponseWriter) {
					for _, rec := range r.records {
						if rec.Body.GetStringValue() == flow(13) {
							failWith(w, status, "cannot process")
							return
						}
					}
				}}
				u := upload(t, srv, logtail.Config{FlushDelay: time.Second})
				for _, port := range upTo(20) {
					u.write(port)
				}
				u.end()
				want := append(upTo(12), upTo(20)[13:]...)
				qt.Check(t, srv.bodies(), qt.DeepEquals, bodiesOf(want...))
				qt.Check(t, srv.uids(), qt.HasLen, 19)
				qt.Check(t, u.Stats().RefusedEntries, qt.Equals, uint64(1))
			})
		})
	}
}

// TestTransportPartialSuccess checks that rejected log records are not sent again, and are told once.
func TestTransportPartialSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &collector{answer: func(n int, _ *request, w http.ResponseWriter) {
			message := []string{"too old", "too old", "key " + secrettest.Token}[n]
			w.Header().Set("Content-Type", "application/x-protobuf")
			w.Write(append([]byte{0x0a, byte(4 + len(message)), 0x08, 2, 0x12, byte(len(message))}, message...))
		}}
		u := upload(t, srv, logtail.Config{})
		u.write(1, 2, 3)
		time.Sleep(time.Minute)
		u.write(4, 5, 6)
		time.Sleep(time.Minute)
		u.write(7, 8, 9)
		u.end()
		qt.Check(t, srv.requests, qt.HasLen, 3)
		qt.Check(t, u.transport.Stats(), qt.Equals, otel.Stats{Accepted: 3, Rejected: 6})
		qt.Check(t, u.Logger.Stats().DeliveredEntries, qt.Equals, uint64(3))
		qt.Check(t, u.log(), qt.Equals, `otel: the collector rejected 2 of 3 log records, which are lost: "too old"`+"\n"+
			`otel: the collector rejected 2 of 3 log records, which are lost: [hidden]`)
	})
}

func TestTransportWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := upload(t, &collector{answer: func(_ int, _ *request, w http.ResponseWriter) {
			w.Write([]byte("\x0a\x05\x12\x03old"))
		}}, logtail.Config{})
		u.write(1)
		u.end()
		qt.Check(t, u.transport.Stats(), qt.Equals, otel.Stats{Accepted: 1})
		qt.Check(t, u.log(), qt.Equals, `otel: the collector accepted all log records, with a warning: "old"`)
	})
}

// TestTransportNeedsURL checks that a Config with the private ID in its URL makes no request.
func TestTransportNeedsURL(t *testing.T) {
	for name, cfg := range map[string]logtail.Config{
		"default": {},
		"BaseURL": {BaseURL: "http://127.0.0.1:4318/v1/logs"},
		"copyId":  {URL: "http://127.0.0.1:4318/v1/logs?copyId=1"},
	} {
		t.Run(name, func(t *testing.T) {
			base := roundTripper(func(*http.Request) (*http.Response, error) {
				t.Error("a request was made")
				return nil, http.ErrServerClosed
			})
			logged := make(chan string, 1)
			cfg.Collection, cfg.PrivateID = "netlog", secrettest.NewID()
			cfg.HTTPClient = &http.Client{Transport: &otel.Transport{Base: base}}
			cfg.Logf = func(format string, args ...any) { logged <- fmt.Sprintf(format, args...) }
			l, err := logtail.NewLogger(cfg)
			qt.Assert(t, err, qt.IsNil)
			fmt.Fprint(l, "text")
			qt.Check(t, <-logged, qt.Contains, "otel: set URL of the logtail.Config, such as http://127.0.0.1:4318/v1/logs")
			l.Shutdown(canceled(t))
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestTransportOtherEntries checks that no entry is lost, whatever it is.
func TestTransportOtherEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &collector{}
		u := upload(t, srv, logtail.Config{FlushDelay: time.Second})
		at := uint64(time.Now().UnixNano())
		for _, entry := range []string{
			"plain text",
			`{"text":"3 entries were dropped","droppedEntries":3,"droppedBytes":18446744073709551615}`,
			`{"other":[1,2.5,{"x":null}]}`,
			`{"start":7,"nodeId":"n"}`,
			`{"text":"both","nodeId":"n","exitTraffic":[{"txPkts":1}]}`,
			`{}`,
			`{"event":"peer","nodeId":"n","peer":{"publicKey":"k=","name":"beta","address":"10.0.0.3","endpoint":"192.0.2.7:51820","state":"moved","lastHandshake":"2026-11-22T10:00:00.5Z"}}`,
			`{"event":"other","nodeId":"n"}`,
			`{"nodeId":"n","lostPackets":7}`,
		} {
			_, err := u.Write([]byte(entry))
			qt.Assert(t, err, qt.IsNil)
		}
		u.end()
		var got []string
		for _, r := range srv.stored {
			body := regexp.MustCompile(`"logtail":{[^}]*}`).ReplaceAllString(r.Body.GetStringValue(), "META")
			a := attributes(r.Attributes)
			got = append(got, fmt.Sprintln(r.EventName, r.SeverityText, body, a["netlog.dropped.entries"], a["netlog.dropped.bytes"], a["netlog.node.id"]))
			if r.EventName == "netlog.peer" {
				qt.Check(t, fmt.Sprintf("%v %v %v %v %v %v %v", a["netlog.peer.state"], a["netlog.peer.public_key"], a["netlog.peer.name"],
					a["netlog.peer.address"], a["netlog.peer.endpoint.address"], a["netlog.peer.endpoint.port"], a["netlog.peer.last_handshake"]), qt.Equals,
					"moved k= beta 10.0.0.3 192.0.2.7 51820 2026-11-22T10:00:00.5Z")
			}
			if r.EventName == "netlog.lost_packets" {
				qt.Check(t, a["netlog.lost.packets"], qt.Equals, int64(7))
			} else if r.EventName != "netlog.flow" {
				qt.Check(t, r.TimeUnixNano, qt.Equals, at)
			}
			qt.Check(t, r.ObservedTimeUnixNano, qt.Equals, at) // also of flows without a window
		}
		qt.Check(t, srv.uids(), qt.HasLen, 10)
		qt.Check(t, strings.Join(got, ""), qt.Equals, ``+
			"netlog.text INFO plain text <nil> <nil> <nil>\n"+
			"netlog.text WARN 3 entries were dropped 3 9223372036854775807 <nil>\n"+
			`netlog.text INFO {META,"other":[1,2.5,{"x":null}]} <nil> <nil> <nil>`+"\n"+
			`netlog.text INFO {META,"start":7,"nodeId":"n"} <nil> <nil> <nil>`+"\n"+
			"netlog.flow INFO exit tx 1/0 rx 0/0 <nil> <nil> n\n"+
			"netlog.text INFO both <nil> <nil> n\n"+
			`netlog.text INFO {META} <nil> <nil> <nil>`+"\n"+
			"netlog.peer INFO peer beta (10.0.0.3) moved to 192.0.2.7:51820 <nil> <nil> n\n"+
			`netlog.text INFO {META,"event":"other","nodeId":"n"} <nil> <nil> n`+"\n"+
			"netlog.lost_packets WARN 7 packets not counted: the node could not read them in time <nil> <nil> n\n")
	})
}
