package storetest

import (
	"fmt"
	"sync"
)

// Log keeps the lines that are logged with Logf. The zero Log is empty.
type Log struct {
	mu    sync.Mutex
	lines []string
}

// Logf appends a line. It is safe for concurrent use.
func (l *Log) Logf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// Take returns the lines since the last call.
func (l *Log) Take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = nil
	return lines
}
