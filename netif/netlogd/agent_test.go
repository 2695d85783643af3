package main

import (
	"fmt"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/record"
)

// TestAgentPeerDropped: if no event can be written, as when the disk is full, one line says so, and not one per peer.
func TestAgentPeerDropped(t *testing.T) {
	var logged []string
	a := agent{
		cfg: &config{}, name: "wg0", logger: &netlog.Logger{}, // not running
		logf: func(format string, args ...any) { logged = append(logged, fmt.Sprintf(format, args...)) },
	}
	for range 1000 {
		a.peer(record.Peer{})
	}
	qt.Check(t, logged, qt.DeepEquals, []string{"wg0: the event of a peer was dropped: netlog: WritePeer: the Logger is not running"})
}
