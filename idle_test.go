package netlog

import (
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/tunstats"
)

// idleDevice has nothing to tell.
type idleDevice struct{}

func (idleDevice) SetStatisticsEnabled(bool) {}

func (idleDevice) ExtractStatistics() map[flowtrack.Tuple]tunstats.Counts { return nil }

func TestIdleWindowAllocs(t *testing.T) {
	l := Logger{Underlay: idleDevice{}, Ignore: func(flowtrack.Tuple) bool { return false }}
	s, err := l.newSession(new(logtail.PrivateID), new(logtail.PrivateID), idleDevice{}, nil)
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, s.start(), qt.IsNil)
	defer s.discard()
	qt.Check(t, testing.AllocsPerRun(100, func() { s.closeWindow(false) }), qt.Equals, 0.0)
}
