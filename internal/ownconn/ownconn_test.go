package ownconn

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"runtime"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

var anyCounts = tunstats.Counts{TxPackets: 3, TxBytes: 180}

// flowsOf returns flows of a connection, of another connection to the same
// server, and of the same port of another host.
func flowsOf(upload flowtrack.Tuple) map[flowtrack.Tuple]tunstats.Counts {
	other, foreign := upload, upload
	other.Src = netip.AddrPortFrom(upload.Src.Addr(), upload.Src.Port()^1)
	foreign.Src = netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), upload.Src.Port())
	return map[flowtrack.Tuple]tunstats.Counts{upload: anyCounts, other: anyCounts, foreign: anyCounts}
}

func TestRemoveEstablished(t *testing.T) {
	var upload flowtrack.Tuple
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		upload = flowtrack.Tuple{
			Proto: flowtrack.TCP,
			Src:   netip.MustParseAddrPort(r.RemoteAddr),
			Dst:   r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr).AddrPort(),
		}
	}))
	defer srv.Close()
	for _, test := range []struct {
		name   string
		client *http.Client
	}{
		{"our own client", nil},
		{"the caller's client", srv.Client()},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := new(Tracker)
			client := o.Client(test.client)
			for range 2 { // over one connection
				resp, err := client.Get(srv.URL)
				qt.Assert(t, err, qt.IsNil)
				resp.Body.Close()
			}
			client.CloseIdleConnections()

			qt.Assert(t, o.conns, qt.HasLen, 1, qt.Commentf("its dial is known by the port alone"))
			flows := flowsOf(upload)
			sum, _ := o.Remove(flows, nil, nil)
			qt.Check(t, sum, qt.Equals, anyCounts)
			qt.Check(t, flows, qt.HasLen, 2)
			_, still := flows[upload]
			qt.Check(t, still, qt.IsFalse)
		})
	}
}

func TestRemoveFailedDial(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the port of a dial is not known before it succeeds")
	}
	for _, loopback := range []string{"127.0.0.1", "::1"} {
		t.Run(loopback, func(t *testing.T) {
			other, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
			if err != nil && loopback == "::1" {
				t.Skipf("no IPv6 here: %v", err)
			}
			qt.Assert(t, err, qt.IsNil)
			defer other.Close()
			client, err := net.Dial("tcp", other.Addr().String())
			qt.Assert(t, err, qt.IsNil)
			defer client.Close()
			remote := client.LocalAddr().(*net.TCPAddr).AddrPort() // nobody can listen on the port of a client

			o := new(Tracker)
			_, err = o.Client(nil).Get("http://" + remote.String())
			qt.Assert(t, err, qt.IsNotNil)
			qt.Assert(t, o.conns, qt.HasLen, 1)
			dialed := flowtrack.Tuple{
				Proto: flowtrack.TCP,
				Src:   netip.AddrPortFrom(remote.Addr(), o.conns[0].Src.Port()),
				Dst:   remote,
			}
			qt.Assert(t, dialed.Src.Port(), qt.Not(qt.Equals), uint16(0))
			own := []netip.Addr{netip.MustParseAddr("100.64.0.1"), dialed.Src.Addr()}

			// Packets that come late are in the next window still. Then the port is free for
			// others, to whatever host.
			for _, want := range []tunstats.Counts{anyCounts, anyCounts, {}} {
				flows := flowsOf(dialed) // the other host is none of ours
				sum, _ := o.Remove(nil, nil, own)
				qt.Check(t, sum, qt.Equals, tunstats.Counts{}, qt.Commentf("an idle window is none"))
				sum, _ = o.Remove(flows, nil, own)
				qt.Check(t, sum, qt.Equals, want)
			}
			qt.Check(t, o.conns, qt.HasLen, 0)
		})
	}
}

func TestRemoveDialAnySource(t *testing.T) {
	o := new(Tracker)
	upload := flowtrack.Tuple{Proto: flowtrack.TCP, Src: netip.MustParseAddrPort("192.0.2.7:4000"), Dst: netip.MustParseAddrPort("192.0.2.9:8641")}
	dialed := upload
	dialed.Src = netip.AddrPortFrom(netip.IPv6Unspecified(), 4000)
	o.add(conn{dialed, new(dial)})
	for _, tt := range []struct {
		name          string
		flows, denied map[flowtrack.Tuple]tunstats.Counts
	}{
		{"passed", flowsOf(upload), nil},
		{"denied", nil, flowsOf(upload)},
		{"both", flowsOf(upload), flowsOf(upload)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			both := anyCounts.Add(anyCounts) // from the two hosts with the port
			sum, denied := o.Remove(tt.flows, tt.denied, nil)
			qt.Check(t, sum == both, qt.Equals, tt.flows != nil)
			qt.Check(t, denied == both, qt.Equals, tt.denied != nil)
			qt.Check(t, len(tt.flows) <= 1 && len(tt.denied) <= 1, qt.IsTrue)
		})
	}
}

func TestClientUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "collector")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Skipf("no unix sockets here: %v", err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go srv.Serve(listener)
	defer srv.Close()
	o := new(Tracker)
	client := o.Client(&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}})
	resp, err := client.Get("http://collector")
	qt.Assert(t, err, qt.IsNil)
	resp.Body.Close()
	client.CloseIdleConnections()
	qt.Check(t, o.conns, qt.HasLen, 0)
}

func TestTrackerBound(t *testing.T) {
	o := new(Tracker)
	for port := range uint16(1000) {
		o.add(conn{Tuple: flowtrack.Tuple{Src: netip.AddrPortFrom(netip.IPv6Unspecified(), port)}})
	}
	qt.Check(t, o.conns, qt.HasLen, maxConns)
	qt.Check(t, o.conns[0].Src.Port(), qt.Equals, uint16(1000-maxConns), qt.Commentf("the latest"))
	qt.Check(t, o.conns[maxConns-1].Src.Port(), qt.Equals, uint16(999))
}
