package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"
	"golang.zx2c4.com/wireguard/tun"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
	"github.com/go-netlog/netlog/wgtun/internal/tally"
)

// echoes returns a connection that answers its first n messages, each with the result of change.
func echoes(n int, change func([]byte) []byte) net.Conn {
	here, there := net.Pipe()
	go func() {
		defer there.Close()
		buf := make([]byte, mtu)
		for ; ; n-- {
			got, err := there.Read(buf)
			if err != nil {
				return
			}
			if n > 0 {
				there.Write(change(buf[:got]))
			}
		}
	}()
	return here
}

func TestExchangeSendsAgain(t *testing.T) {
	same := func(b []byte) []byte { return b }
	refused := errors.New("refused")
	for _, test := range []struct {
		name  string
		dial  func(n int) (net.Conn, error) // returns the nth connection
		dials int
		took  time.Duration
		want  error
	}{
		{"all messages answered", func(int) (net.Conn, error) { return echoes(10, same), nil }, 1, 0, nil},
		{"two answers per connection", func(int) (net.Conn, error) { return echoes(2, same), nil }, 3, 2 * patience, nil},
		{"first connection not answered", func(n int) (net.Conn, error) { return echoes(10*n, same), nil }, 2, patience, nil},
		{"no answers", func(int) (net.Conn, error) { return echoes(0, same), nil }, maxTries, maxTries * patience, os.ErrDeadlineExceeded},
		{"short answer", func(int) (net.Conn, error) {
			return echoes(10, func(b []byte) []byte { return b[1:] }), nil
		}, 1, 0, errCorrupt},
		{"no connection", func(int) (net.Conn, error) { return nil, refused }, 1, 0, refused},
		{"connection closed", func(int) (net.Conn, error) {
			here, there := net.Pipe()
			there.Close()
			return here, nil
		}, 1, 0, io.ErrClosedPipe},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin, dials := time.Now(), 0
				err := exchange(t.Context(), func() (net.Conn, error) {
					dials++
					return test.dial(dials - 1)
				}, []byte("hello"), 5)
				qt.Check(t, errors.Is(err, test.want), qt.IsTrue, qt.Commentf("%v", err))
				qt.Check(t, dials, qt.Equals, test.dials)
				qt.Check(t, time.Since(begin), qt.Equals, test.took)
			})
		})
	}
}

func TestExchangeInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), patience/2)
		defer cancel()
		begin := time.Now()
		err := exchange(ctx, func() (net.Conn, error) { return echoes(0, nil), nil }, []byte("hello"), 5)
		qt.Check(t, err, qt.Equals, context.DeadlineExceeded)
		qt.Check(t, time.Since(begin), qt.Equals, patience/2)
	})
}

// answering is an http.RoundTripper that answers with its text.
type answering string

func (text answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(string(text)))}, nil
}

func TestDownloadUploadIncomplete(t *testing.T) {
	server := netip.MustParseAddr("10.77.0.2")
	client := func(answer answering) *http.Client { return &http.Client{Transport: answer} }
	qt.Check(t, download(t.Context(), client("12345"), server, 5), qt.IsNil)
	qt.Check(t, download(t.Context(), client("1234"), server, 5), qt.ErrorIs, errCorrupt)
	qt.Check(t, upload(t.Context(), client("5"), server, 5), qt.IsNil)
	qt.Check(t, upload(t.Context(), client("4"), server, 5), qt.ErrorIs, errCorrupt)

	w := httptest.NewRecorder()
	answer(w, httptest.NewRequest(http.MethodGet, "/many", nil))
	qt.Check(t, w.Code, qt.Equals, http.StatusNotFound)
}

// sink is a tun.Device that accepts all packets.
type sink struct{ tun.Device }

func (sink) Write(bufs [][]byte, _ int) (int, error) { return len(bufs), nil }

func TestSettleEndlessTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loud, quiet := &node{tally: new(tally.Tun)}, &node{tally: new(tally.Tun)}
		loud.tally.Device = sink{}
		qt.Check(t, settle(t.Context(), loud, quiet), qt.IsNil)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() {
			for wait(ctx, 50*time.Millisecond) == nil {
				loud.tally.Write([][]byte{make([]byte, 100)}, 0)
			}
		}()
		qt.Check(t, settle(t.Context(), loud, quiet), qt.ErrorMatches, "the traffic does not end")
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		qt.Check(t, settle(ended, loud, quiet), qt.Equals, context.Canceled)
	})
}

func TestReportUnknownSides(t *testing.T) {
	var out strings.Builder
	r := &report{rows: []row{
		newRow("alpha", "exit", flowtrack.Tuple{}, []tunstats.Counts{{RxPackets: 1}}),
		newRow("alpha", "physical", flowtrack.Tuple{
			Src: netip.MustParseAddrPort("10.77.0.2:0"), Dst: netip.MustParseAddrPort("127.0.0.1:9"),
		}, []tunstats.Counts{{RxPackets: 2}}),
	}}
	r.print(&out)
	lines := strings.Split(out.String(), "\n")
	qt.Check(t, strings.Fields(lines[1])[2:9], qt.DeepEquals, []string{"-", "-", "-", "-", "0", "0", "1"})
	qt.Check(t, strings.Fields(lines[2])[2:9], qt.DeepEquals, []string{"-", "10.77.0.2", "127.0.0.1:9", "-", "0", "0", "2"})
}

func TestRunFailureLeavesNothing(t *testing.T) {
	goroutinesEnd(t)
	opts := quick(nil)
	opts.out, opts.url = io.Discard, "http://collector.example" // not encrypted, and not on this machine
	_, err := run(t.Context(), opts)
	qt.Check(t, err, qt.ErrorMatches, ".*BaseURL.*")
}
