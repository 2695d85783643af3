package flowtable_test

import (
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/record"
)

func TestPlural(t *testing.T) {
	for want, got := range map[string]string{
		"1 record":       flowtable.Plural(1, "record"),
		"0 records":      flowtable.Plural(0, "record"),
		"2 entries":      flowtable.Plural(uint64(2), "entry"),
		"1 entry":        flowtable.Plural(uint64(1), "entry"),
		"3 processes":    flowtable.Plural(3, "process"),
		"1 process":      flowtable.Plural(1, "process"),
		"2 days":         flowtable.Plural(int64(2), "day"),
		"1 more place":   flowtable.Plural(1, "more place"),
		"20 more places": flowtable.Plural(20, "more place"),
	} {
		qt.Check(t, got, qt.Equals, want)
	}
}

// TestPeerTextBounded: an entry that is small after compression may have names of any size.
func TestPeerTextBounded(t *testing.T) {
	long := strings.Repeat("\x1b東", 100_000)
	text := flowtable.PeerText(&record.Peer{Name: long, State: record.PeerState(long)})
	qt.Check(t, flowtable.Columns(text), qt.Equals, len("peer ")+64+len(" ")+64)
	qt.Check(t, strings.HasPrefix(text, `peer \x1b東\x1b`), qt.IsTrue, qt.Commentf("%q", text))
}
