package main

import (
	"encoding/json"
	"io"
	"sync"

	"github.com/go-netlog/netlog"
)

// lines writes records as lines of JSON. It is safe for concurrent use.
type lines struct {
	mu sync.Mutex // guards w, so that lines do not mix
	w  io.Writer
}

func (l *lines) write(m *netlog.Message) {
	line, err := json.Marshal(m)
	if err != nil {
		return // a Message has nothing that cannot be encoded
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.w.Write(append(line, '\n'))
}
