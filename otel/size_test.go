package otel_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/otel"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// named returns a record with n flows of as few bytes as flows have, between nodes with names of the given length.
func named(n, length int) *record.Message {
	name := strings.Repeat("n", length)
	m := &record.Message{
		NodeID: name, Start: time.Unix(1, 1).UTC(), End: time.Unix(6, 0).UTC(),
		SrcNode:  record.Node{NodeID: name, Name: name, Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}},
		DstNodes: []record.Node{{NodeID: name, Name: name, Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.2")}}},
	}
	for i := range n {
		counts := tunstats.Counts{TxPackets: 1, TxBytes: 60, TxFlags: tunstats.SYN}
		m.VirtualTraffic = append(m.VirtualTraffic, connection(6, fmt.Sprintf("10.0.0.1:%d", i+1), "10.0.0.2:1", counts))
	}
	return m
}

// TestTransportRequestSize measures the largest requests: full bodies of the uploader, with the smallest flows.
func TestTransportRequestSize(t *testing.T) {
	for _, length := range []int{1, 64} {
		synctest.Test(t, func(t *testing.T) {
			srv := &collector{}
			u := upload(t, srv, logtail.Config{FlushDelay: time.Second})
			flows, entries := 0, 0
			for _, n := range []int{2700, 100, 100, 100, 2700, 100} {
				entry, err := json.Marshal(named(n, length))
				qt.Assert(t, err, qt.IsNil)
				qt.Assert(t, len(entry) < 255<<10, qt.IsTrue, qt.Commentf("%d", len(entry)))
				_, err = u.Write(entry)
				qt.Assert(t, err, qt.IsNil)
				flows, entries = flows+n, entries+len(entry)
			}
			u.end()
			qt.Check(t, srv.stored, qt.HasLen, flows)
			size, total, wire := 0, 0, 0
			for _, r := range srv.requests {
				size, total, wire = max(size, r.size), total+r.size, wire+r.wire
			}
			t.Logf("names of %d bytes: requests of at most %d bytes, %d bytes a flow, %.1f times the entries, %.1f bytes a flow with gzip",
				length, size, total/flows, float64(total)/float64(entries), float64(wire)/float64(flows))
			qt.Check(t, size < 4<<20, qt.IsTrue)
		})
	}
}

func BenchmarkTransport(b *testing.B) {
	const flows = 1000
	entry, err := json.Marshal(named(flows, 20))
	qt.Assert(b, err, qt.IsNil)
	transport := otel.Transport{Base: roundTripper(func(r *http.Request) (*http.Response, error) {
		n, err := io.Copy(io.Discard, r.Body)
		b.ReportMetric(float64(n)/flows, "bytes/flow")
		return &http.Response{StatusCode: 200, Body: http.NoBody}, err
	})}
	b.ReportAllocs()
	for b.Loop() {
		req, err := http.NewRequest("POST", "http://127.0.0.1:4318/v1/logs", strings.NewReader("["+string(entry)+"]"))
		qt.Assert(b, err, qt.IsNil)
		_, err = transport.RoundTrip(req)
		qt.Assert(b, err, qt.IsNil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/flows, "ns/flow")
}
