package main

import (
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/record"
)

// lines writes entries as lines of JSON. It is safe for concurrent use.
type lines struct {
	mu sync.Mutex // guards w, so that lines do not mix
	w  io.Writer
}

func (l *lines) record(m *netlog.Message) { l.write(m) }

func (l *lines) peer(nodeID string, p record.Peer) {
	l.write(&record.Entry{
		Logtail: record.Meta{ClientTime: time.Now()}, // as an upload would have it
		Message: record.Message{NodeID: nodeID}, Event: record.EventPeer, Peer: p,
	})
}

func (l *lines) write(entry any) {
	line, err := json.Marshal(entry)
	if err != nil {
		return // an entry has nothing that cannot be encoded
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.w.Write(append(line, '\n'))
}
