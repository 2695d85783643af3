package netlog_test

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/record"
)

var laptop = record.Peer{
	PublicKey: "mBmUJsJpzfXxbbXxZfm5BzNJJ/mRnEkyQVcz7cTQwkQ=", Name: "laptop",
	Address: netip.MustParseAddr("100.64.0.2"), Endpoint: netip.MustParseAddrPort("192.0.2.7:41641"),
	State: record.PeerConnected, LastHandshake: time.Date(2026, 11, 22, 10, 0, 0, 1, time.UTC),
}

// entries returns what srv has received, in one request or in several.
func (s *server) entries(t *testing.T) (all []record.Entry) {
	t.Helper()
	for requests := json.NewDecoder(bytes.NewReader(s.plain.Bytes())); requests.More(); {
		var entries []record.Entry
		qt.Assert(t, requests.Decode(&entries), qt.IsNil)
		all = append(all, entries...)
	}
	return all
}

func TestWritePeer(t *testing.T) {
	hidden := laptop
	hidden.Endpoint = netip.AddrPort{}
	for _, tt := range []struct {
		name     string
		underlay netlog.Device
		want     record.Peer
	}{
		{"with an Underlay", new(fakeDevice), laptop},
		{"without an Underlay the endpoint is hidden", nil, hidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := new(server)
				l := netlog.Logger{Upload: srv.config(), Underlay: tt.underlay, NodeID: "n1"}
				startup(t, &l, new(fakeDevice), routes())
				qt.Assert(t, l.WritePeer(laptop), qt.IsNil)
				shutdown(t, &l)
				entries := srv.entries(t)
				qt.Assert(t, entries, qt.HasLen, 1)
				qt.Check(t, entries[0].NodeID, qt.Equals, "n1")
				qt.Check(t, entries[0].Event, qt.Equals, record.EventPeer)
				qt.Check(t, entries[0].Peer, qt.Equals, tt.want)
				qt.Check(t, entries[0].Logtail.ProcSeq, qt.Equals, uint64(1))
			})
		})
	}
}

func TestWritePeerHostile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := new(server)
		l := netlog.Logger{Upload: srv.config()}
		startup(t, &l, new(fakeDevice), routes())
		long := strings.Repeat("\"\n\xff€", 1<<16)
		qt.Assert(t, l.WritePeer(record.Peer{
			PublicKey: long, Name: long, State: record.PeerState(long),
			Address:       netip.MustParseAddr("fe80::1").WithZone(long),
			LastHandshake: time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC),
		}), qt.IsNil)
		qt.Assert(t, l.WritePeer(record.Peer{}), qt.IsNil)
		shutdown(t, &l)
		entries := srv.entries(t)
		qt.Assert(t, entries, qt.HasLen, 2)
		qt.Check(t, srv.plain.Len() < 4096, qt.IsTrue, qt.Commentf("%d bytes", srv.plain.Len()))
		qt.Check(t, entries[0].Peer.Address, qt.Equals, netip.MustParseAddr("fe80::1"))
		qt.Check(t, entries[0].Peer.LastHandshake.IsZero(), qt.IsTrue)
		qt.Check(t, entries[1].Peer, qt.Equals, record.Peer{})
	})
}

func TestWritePeerNotRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := new(server)
		l := netlog.Logger{Upload: srv.config()}
		const message = "netlog: WritePeer: the Logger is not running"
		qt.Check(t, l.WritePeer(laptop), qt.ErrorMatches, message)
		startup(t, &l, new(fakeDevice), routes())
		shutdown(t, &l)
		qt.Check(t, l.WritePeer(laptop), qt.ErrorMatches, message)

		silent := netlog.Logger{NoUpload: true, OnRecord: func(*netlog.Message) {}}
		startup(t, &silent, new(fakeDevice), routes())
		qt.Check(t, silent.WritePeer(laptop), qt.IsNil)
		shutdown(t, &silent)
		qt.Check(t, srv.requests, qt.Equals, 0)
	})
}

// TestWritePeerDuringShutdown: each entry is either refused with an error or delivered.
func TestWritePeerDuringShutdown(t *testing.T) {
	srv := new(server)
	l := netlog.Logger{Upload: srv.config()}
	qt.Assert(t, l.Startup(secrettest.NewID(), logtail.PrivateID{}, new(fakeDevice), routes()), qt.IsNil)
	var group sync.WaitGroup
	var accepted [4]int
	some := make(chan struct{}, 2*len(accepted))
	for i := range accepted {
		group.Go(func() {
			defer func() { some <- struct{}{} }()
			for accepted[i] < 1000 && l.WritePeer(laptop) == nil {
				if accepted[i]++; accepted[i] == 10 {
					some <- struct{}{}
				}
			}
		})
	}
	<-some
	shutdown(t, &l)
	group.Wait()
	delivered := strings.Count(srv.plain.String(), `"event":"peer"`)
	qt.Check(t, delivered, qt.Equals, accepted[0]+accepted[1]+accepted[2]+accepted[3])
}
