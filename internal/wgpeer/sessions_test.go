package wgpeer

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/record"
)

// at returns a peer whose last handshake was at a time, or never if it is zero.
func at(key, endpoint string, handshake time.Time) Peer {
	p := Peer{Key: key, LastHandshake: handshake, Allowed: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("10.0.0.2/32")}}
	if endpoint != "" {
		p.Endpoint = netip.MustParseAddrPort(endpoint)
	}
	return p
}

func events(list []record.Peer) string {
	var all []string
	for _, p := range list {
		all = append(all, fmt.Sprintf("%s %s", p.PublicKey, p.State))
	}
	return strings.Join(all, ", ")
}

func TestSessionsUpdate(t *testing.T) {
	begin := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	const one, two = "192.0.2.1:1", "192.0.2.1:2"
	type reading struct {
		after     time.Duration // since begin
		handshake time.Duration // of the peer, since begin; never: none; gone: the peer is removed
		endpoint  string
		want      string
	}
	const never, gone = time.Duration(-1 << 62), time.Duration(-1<<62 + 1)
	for _, tt := range []struct {
		name     string
		readings []reading
	}{
		{"connects, stays and falls silent", []reading{
			{0, never, one, ""},
			{5 * time.Second, 3 * time.Second, one, "k connected"},
			{2 * time.Minute, 3 * time.Second, one, ""},
			{125 * time.Second, 124 * time.Second, one, ""},
			{124*time.Second + keyLife - 1, 124 * time.Second, one, ""},
			{125*time.Second + keyLife, 124 * time.Second, one, "k disconnected"},
			{time.Hour, 124 * time.Second, one, ""},
			{time.Hour + 5*time.Second, time.Hour, one, "k connected"},
		}},
		{"connected at the start", []reading{{0, -time.Minute, one, "k connected"}, {2*time.Minute + 1, -time.Minute, one, "k disconnected"}}},
		{"silent at the start", []reading{{0, -keyLife, one, ""}, {time.Hour, -keyLife, one, ""}}},
		{"moves", []reading{{0, 0, one, "k connected"}, {1, 0, two, "k moved"}, {2, 0, two, ""}, {movePeriod + 1, 0, one, "k moved"}}},
		{"moves twice within a minute", []reading{
			{0, 0, one, "k connected"}, {1, 0, two, "k moved"}, {2, 0, one, ""}, {movePeriod, 0, one, ""}, {movePeriod + 1, 0, one, "k moved"},
		}},
		{"moves and is back within a minute", []reading{
			{0, 0, one, "k connected"}, {1, 0, two, "k moved"}, {2, 0, one, ""}, {3, 0, two, ""}, {2 * movePeriod, 0, two, ""},
		}},
		{"moves after it was away", []reading{
			{0, 0, one, "k connected"}, {1, 0, two, "k moved"}, {keyLife, 0, two, "k disconnected"},
			{keyLife + 5, keyLife, one, "k connected"}, {keyLife + 6, keyLife, two, "k moved"},
		}},
		{"moves while it is silent", []reading{{0, never, one, ""}, {1, never, two, ""}, {2, 1, one, "k connected"}}},
		{"its endpoint becomes unknown", []reading{{0, 0, one, "k connected"}, {1, 0, "", ""}, {2, 0, one, ""}, {3, 0, "", ""}, {4, 0, two, "k moved"}}},
		{"is removed", []reading{{0, 0, one, "k connected"}, {1, gone, "", "k disconnected"}, {2, gone, "", ""}, {3, 2, one, "k connected"}}},
		{"is removed while it is silent", []reading{{0, never, one, ""}, {1, gone, "", ""}}},
		{"is removed and added at once", []reading{{0, 0, one, "k connected"}, {1, never, one, "k disconnected"}}},
		{"a clock that is set forward does not disconnect", []reading{
			{0, 0, one, "k connected"}, {5 * time.Second, -24 * time.Hour, one, ""}, {10 * time.Second, -24 * time.Hour, one, ""},
		}},
		{"a clock that is set back", []reading{
			{0, 24 * time.Hour, one, "k connected"}, {keyLife - 1, 24 * time.Hour, one, ""}, {keyLife, 24 * time.Hour, one, "k disconnected"},
		}},
		{"a handshake long before a late reading", []reading{
			{0, 0, one, "k connected"}, {time.Hour, time.Minute, one, "k disconnected"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s sessions
			for i, r := range tt.readings {
				var peers []Peer
				switch r.handshake {
				case gone:
				case never:
					peers = []Peer{at("k", r.endpoint, time.Time{})}
				default:
					peers = []Peer{at("k", r.endpoint, begin.Add(r.handshake))}
				}
				got := s.update(peers, begin.Add(r.after))
				qt.Check(t, events(got), qt.Equals, r.want, qt.Commentf("reading %d", i))
				for _, p := range got {
					qt.Check(t, p.Address, qt.Equals, netip.MustParseAddr("10.0.0.2"))
				}
			}
		})
	}
}

func TestSessionsUpdateSorted(t *testing.T) {
	now := time.Now()
	var s sessions
	got := s.update([]Peer{at("c", "", now), at("a", "", now), at("b", "", now)}, now)
	qt.Check(t, events(got), qt.Equals, "a connected, b connected, c connected")
	got = s.update([]Peer{at("d", "", now), at("b", "", now)}, now)
	qt.Check(t, events(got), qt.Equals, "a disconnected, c disconnected, d connected")
}

// TestSessionsUpdateFlapping: a peer whose endpoint always changes makes no more than an event a minute.
func TestSessionsUpdateFlapping(t *testing.T) {
	var s sessions
	begin, moved := time.Now(), 0
	for after := time.Duration(0); after < time.Hour; after += followPeriod {
		now := begin.Add(after)
		moved += len(s.update([]Peer{at("k", fmt.Sprintf("192.0.2.1:%d", 1+after/followPeriod), now)}, now))
	}
	qt.Check(t, moved, qt.Equals, 1+60)
}

func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		refused := errors.New("refused")
		permanent := func(err error) bool { return err == refused }
		var answer func() ([]Peer, error)
		var got []string
		report := func(p record.Peer) {
			got = append(got, fmt.Sprintf("%v after %v", p.State, time.Since(began)))
		}
		answer = func() ([]Peer, error) {
			switch since := time.Since(began); {
			case since >= time.Minute:
				return nil, nil
			case since >= 30*time.Second:
				return nil, errors.New("busy") // for a while: nothing is known
			}
			return []Peer{at("k", "", began)}, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		read := func() ([]Peer, error) { return answer() }
		qt.Check(t, Follow(ctx, read, permanent, report), qt.IsNil)
		qt.Check(t, got, qt.DeepEquals, []string{"connected after 0s", "disconnected after 1m0s"})

		answer = func() ([]Peer, error) { return nil, refused }
		qt.Check(t, Follow(t.Context(), read, permanent, report), qt.Equals, refused)
	})
}
