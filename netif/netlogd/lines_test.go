package main

import (
	"bytes"
	"fmt"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/internal/records"
)

// disk is a Writer with room for so many bytes.
type disk struct {
	bytes.Buffer
	room int
}

func (d *disk) Write(p []byte) (int, error) {
	n := min(len(p), d.room)
	d.room -= n
	d.Buffer.Write(p[:n])
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

// TestLinesFullDisk: what does not fit is said once and counted, and the next line is whole.
func TestLinesFullDisk(t *testing.T) {
	var logged []string
	out := &disk{room: 40}
	l := &lines{w: out, logf: func(format string, args ...any) { logged = append(logged, fmt.Sprintf(format, args...)) }}
	l.record(&netlog.Message{NodeID: "a", LostPackets: 1})
	qt.Check(t, l.err(), qt.IsNil)
	for range 100 {
		l.record(&netlog.Message{NodeID: "this one does not fit", LostPackets: 1})
	}
	out.room = 1000
	l.record(&netlog.Message{NodeID: "b", LostPackets: 1})

	qt.Check(t, logged, qt.HasLen, 1)
	qt.Check(t, logged[0], qt.Contains, syscall.ENOSPC.Error())
	qt.Check(t, l.err(), qt.ErrorMatches, "100 entries could not be printed")
	var got []string
	for rec, err := range (&records.Input{Stdin: out}).Records() {
		if err == nil { // the torn line is one
			got = append(got, rec.NodeID)
		}
	}
	qt.Check(t, got, qt.DeepEquals, []string{"a", "b"})
}
