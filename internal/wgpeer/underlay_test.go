package wgpeer

import (
	"errors"
	"net/netip"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// TestUnderlay checks what is reported for a sequence of readings of the counters.
func TestUnderlay(t *testing.T) {
	endpoint := netip.MustParseAddrPort("192.0.2.7:41641")
	at := func(key rune, tx, rx uint64) Peer {
		return Peer{Key: string(key), Tx: tx, Rx: rx, Endpoint: endpoint, Allowed: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("10.0.0.9/32"), netip.MustParsePrefix("10.0.0.7/32"),
		}}
	}
	tuple := flowtrack.Tuple{Src: netip.MustParseAddrPort("10.0.0.7:0"), Dst: endpoint}
	var peers []Peer
	var err error
	u := NewUnderlay(func(use func([]Peer, error)) { use(peers, err) })
	peers = []Peer{at(1, 100, 200)}
	u.SetStatisticsEnabled(true)
	for _, test := range []struct {
		name  string
		peers []Peer
		err   error
		want  tunstats.Counts
	}{
		{"nothing moved", []Peer{at(1, 100, 200)}, nil, tunstats.Counts{}},
		{"moved", []Peer{at(1, 103, 204)}, nil, tunstats.Counts{TxBytes: 3, RxBytes: 4}},
		{"unreadable", nil, errors.New("no answer"), tunstats.Counts{}},
		{"what moved meanwhile", []Peer{at(1, 104, 205)}, nil, tunstats.Counts{TxBytes: 1, RxBytes: 1}},
		{"peer added", []Peer{at(1, 104, 205), at(2, 5, 6)}, nil, tunstats.Counts{TxBytes: 5, RxBytes: 6}},
		{"peers with one address", []Peer{at(1, 105, 205), at(2, 6, 6)}, nil, tunstats.Counts{TxBytes: 2}},
		{"removed and added again", []Peer{at(1, 2, 1), at(2, 6, 6)}, nil, tunstats.Counts{TxBytes: 2, RxBytes: 1}},
		{"interface removed", nil, nil, tunstats.Counts{}},
		{"interface is back", []Peer{at(1, 50, 60)}, nil, tunstats.Counts{TxBytes: 50, RxBytes: 60}},
	} {
		peers, err = test.peers, test.err // each case begins where the one before ended
		got := u.ExtractStatistics()
		qt.Check(t, got[tuple], qt.Equals, test.want, qt.Commentf(test.name))
		qt.Check(t, len(got) <= 1, qt.IsTrue, qt.Commentf(test.name))
	}

	peers = []Peer{at(1, 51, 60)}
	u.SetStatisticsEnabled(false) // takes what moved until now
	peers = []Peer{at(1, 80, 60)}
	qt.Check(t, u.ExtractStatistics()[tuple], qt.Equals, tunstats.Counts{TxBytes: 1})
	u.SetStatisticsEnabled(true)
	qt.Check(t, u.ExtractStatistics(), qt.IsNil) // nothing of the time between
}
