package route_test

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/route"
	"github.com/go-netlog/netlog/internal/route/routetest"
)

// peersTable returns a table that knows the peers 10.0.0.<letter> of the given letters.
func peersTable(letters string) *route.Table {
	cfg := route.Config{LocalAddrs: routetest.Prefixes("10.1.0.1/32")}
	for _, l := range letters {
		cfg.Routes = append(cfg.Routes, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(l)}), 32))
	}
	return route.New(cfg)
}

// peersOf returns the letters of the peers that t knows.
func peersOf(t *route.Table) string {
	var known strings.Builder
	for l := 'a'; l <= 'z'; l++ {
		if t.Lookup(netip.AddrFrom4([4]byte{10, 0, 0, byte(l)})) != route.Unknown {
			known.WriteRune(l)
		}
	}
	return known.String()
}

func TestPending(t *testing.T) {
	began := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	const late, inTime = 2*time.Second + 1, 2 * time.Second
	type set struct {
		at    time.Duration
		peers string
	}
	for _, test := range []struct {
		name    string
		old     string
		sets    []set
		at      time.Duration // of the end of the window
		changes bool
		window  string // what the window that ends shows
		next    string
	}{
		{"nothing waits", "ab", nil, late, false, "ab", "ab"},
		{"equal routes", "ab", []set{{0, "ba"}}, 1, false, "ab", "ab"},
		{"equal routes that waited long", "ab", []set{{0, "ba"}}, late, false, "ab", "ab"},
		{"a peer is added", "a", []set{{0, "ab"}}, 1, true, "a", "ab"},
		{"a peer is removed", "ab", []set{{0, "a"}}, inTime, true, "ab", "a"},
		{"a peer was removed long ago", "ab", []set{{0, "a"}}, late, true, "a", "a"},
		{"the newest routes win", "a", []set{{0, "ab"}, {1, "ac"}}, inTime, true, "a", "ac"},
		{"the wait begins with the first change", "abc", []set{{0, "ab"}, {inTime, "abc"}, {inTime, "ac"}}, late, true, "a", "ac"},
		{"there and back in time", "ab", []set{{0, "a"}, {1, "ab"}}, inTime, false, "ab", "ab"},
		{"there and back, but late", "ab", []set{{0, "a"}, {1, "ab"}}, late, true, "a", "ab"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var p route.Pending
			old := peersTable(test.old)
			for _, s := range test.sets {
				p.Set(peersTable(s.peers), began.Add(s.at))
			}
			now := began.Add(test.at)
			qt.Check(t, p.Changes(old, now), qt.Equals, test.changes)
			qt.Check(t, p.Changes(old, now), qt.Equals, test.changes) // again
			qt.Check(t, p.Get() != nil, qt.Equals, test.changes)      // equal routes do not wait
			c := p.Take()
			qt.Check(t, p.Get(), qt.IsNil)
			qt.Check(t, peersOf(c.Restrict(old, now)), qt.Equals, test.window)
			qt.Check(t, peersOf(c.After(old)), qt.Equals, test.next)
		})
	}
}

// TestPendingForgetsEqualRoutes: routes that changed nothing do not make a later change look old.
func TestPendingForgetsEqualRoutes(t *testing.T) {
	var p route.Pending
	now, old := time.Now(), peersTable("ab")
	p.Set(peersTable("ab"), now)
	qt.Check(t, p.Changes(old, now), qt.IsFalse)
	now = now.Add(time.Minute)
	p.Set(peersTable("a"), now)
	qt.Check(t, peersOf(p.Take().Restrict(old, now)), qt.Equals, "ab")
}

// TestPendingConcurrent: whatever is set at the same time, a late window shows only what all routes know, and no
// change is lost between Changes and Take.
func TestPendingConcurrent(t *testing.T) {
	const letters = "abcdefgh"
	now := time.Now()
	for range 200 {
		var p route.Pending
		old := peersTable(letters)
		var group sync.WaitGroup
		for i := range letters { // each leaves one out
			group.Go(func() { p.Set(peersTable(letters[:i]+letters[i+1:]), now) })
		}
		group.Go(func() { p.Changes(old, now) })
		group.Wait()
		c := p.Take()
		qt.Assert(t, peersOf(c.Restrict(old, now.Add(time.Hour))), qt.Equals, "")
		qt.Assert(t, peersOf(c.After(old)), qt.HasLen, len(letters)-1)
	}
}
