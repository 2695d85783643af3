package wgtun_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"
	"golang.zx2c4.com/wireguard/conn"

	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/wgtun"
)

// followed returns the events of dev so far.
func followed(ctx context.Context, dev wgtun.ConfigSource) func() []record.Peer {
	var mu sync.Mutex
	var events []record.Peer
	go wgtun.FollowPeers(ctx, dev, func(p record.Peer) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, p)
	})
	return func() []record.Peer {
		mu.Lock()
		defer mu.Unlock()
		return events
	}
}

func TestFollowPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var dev fakeConfig
		handshake := time.Now().Add(-time.Minute).Add(8).UTC()
		set := func(endpoint string) {
			text := peerLines(keyA, endpoint, 1, 1, "10.0.0.0/24", "10.0.0.2/32")
			sec := fmt.Sprintf("last_handshake_time_sec=%d", handshake.Unix())
			dev.set(header, strings.Replace(text, "last_handshake_time_sec=7", sec, 1), peerLines(keyB, "", 0, 0))
		}
		set("192.0.2.1:1")
		events := followed(ctx, &dev)
		synctest.Wait()
		want := record.Peer{
			PublicKey: base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\xaa", 32))),
			Address:   netip.MustParseAddr("10.0.0.2"), Endpoint: netip.MustParseAddrPort("192.0.2.1:1"),
			State: record.PeerConnected, LastHandshake: handshake,
		}
		c.Assert(events(), qt.HasLen, 1) // the handshake of B is from 1970
		c.Check(events()[0], qt.Equals, want)

		release := dev.block()
		set("192.0.2.1:2")
		asked := dev.count()
		time.Sleep(time.Minute)
		c.Check(dev.count(), qt.Equals, asked+1) // a device that hangs is not asked again
		release()
		time.Sleep(6 * time.Second)
		want.State, want.Endpoint = record.PeerMoved, netip.MustParseAddrPort("192.0.2.1:2")
		c.Assert(events(), qt.HasLen, 2)
		c.Check(events()[1], qt.Equals, want)

		dev.set(header) // as after Close
		time.Sleep(6 * time.Second)
		want.State = record.PeerDisconnected
		c.Assert(events(), qt.HasLen, 3)
		c.Check(events()[2], qt.Equals, want)

		cancel()
		synctest.Wait()
		asked = dev.count()
		time.Sleep(time.Minute)
		c.Check(dev.count(), qt.Equals, asked)
	})
}

func TestFollowPeersWireGuard(t *testing.T) {
	c := qt.New(t)
	pair := newPair(t, [2]conn.Bind{conn.NewDefaultBind(), conn.NewDefaultBind()})
	a, b := &pair[0], &pair[1]
	began := time.Now()
	ping(t, a, b)
	events := followed(t.Context(), a.dev)
	for end := time.Now().Add(time.Minute); len(events()) == 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	c.Assert(events(), qt.HasLen, 1)
	got := events()[0]
	c.Check(got.State, qt.Equals, record.PeerConnected)
	c.Check(got.Address, qt.Equals, b.addr)
	raw, err := hex.DecodeString(b.key.Public)
	c.Assert(err, qt.IsNil)
	c.Check(got.PublicKey, qt.Equals, base64.StdEncoding.EncodeToString(raw))
	c.Check(got.LastHandshake.After(began) && got.LastHandshake.Before(time.Now()), qt.IsTrue)
}

// TestHandshakeNever: a machine without a battery for its clock starts in 1970, when zero seconds would be a moment ago.
func TestHandshakeNever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var dev fakeConfig
		dev.set(header, "public_key="+keyA+"\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0",
			"public_key="+keyB+"\nlast_handshake_time_sec=7\nlast_handshake_time_nsec=8")
		got, err := wgtun.Handshakes(&dev)
		c.Assert(err, qt.IsNil)
		c.Assert(got, qt.HasLen, 2)
		c.Check(got[0].IsZero(), qt.IsTrue)
		c.Check(got[1].Equal(time.Unix(7, 8)), qt.IsTrue)
	})
}
