package names

import (
	"net/netip"
	"strconv"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/record"
)

// TestOwnBounded: any number of reporters that claim one address take bounded memory, and Full says so.
func TestOwnBounded(t *testing.T) {
	flows := []record.ConnectionCounts{{Tuple: flowtrack.Tuple{Src: netip.MustParseAddrPort("10.0.0.1:1")}}}
	var n Names
	for i := range maxOwners + 2 {
		n.Own(strconv.Itoa(i), flows)
		if i == maxOwners-1 {
			qt.Assert(t, n.Full, qt.IsFalse)
		}
	}
	qt.Check(t, n.Full, qt.IsTrue)
	qt.Check(t, n.sides, qt.HasLen, maxOwners)
	qt.Check(t, n.Users[netip.MustParseAddr("10.0.0.1")], qt.HasLen, maxOwners)
	n.Own("0", flows) // is known
	qt.Check(t, n.Owner(netip.MustParseAddr("10.0.0.1")), qt.Equals, "0")
}
