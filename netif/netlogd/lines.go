package main

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/record"
)

// lines writes entries as lines of JSON. It is safe for concurrent use.
type lines struct {
	logf func(format string, args ...any) // called for the first entry that is lost

	mu   sync.Mutex // guards the fields below; held while writing, so that lines do not mix
	w    io.Writer
	torn bool   // the last line is incomplete
	lost uint64 // entries that could not be written
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
	l.mu.Lock()
	if err == nil {
		err = l.writeLocked(line)
	}
	isFirst := err != nil && l.lost == 0
	if err != nil {
		l.lost++
	}
	l.mu.Unlock()
	if isFirst {
		l.logf("an entry could not be printed: %v; further ones are counted, but not logged", err)
	}
}

func (l *lines) writeLocked(line []byte) error {
	line = append(line, '\n')
	if l.torn {
		line = append([]byte("\n"), line...)
	}
	n, err := l.w.Write(line)
	if n > 0 {
		l.torn = n < len(line)
	}
	return err
}

// err returns an error if entries were lost.
func (l *lines) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost == 0 {
		return nil
	}
	return fmt.Errorf("%d entries could not be printed", l.lost)
}
