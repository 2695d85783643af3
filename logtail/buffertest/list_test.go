package buffertest_test

import (
	"bytes"
	"errors"
	"sync"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/buffertest"
)

// list is the plainest Buffer there is, with at most one fault.
type list struct {
	fault string // empty: none
	max   int64

	mu      sync.Mutex
	entries [][]byte
	gone    uint64 // entries that ever left: the number of entries[0]
	peeks   uint64
	stats   logtail.BufferStats // only the counters of drops
	claimed bool
	served  bool // claimed before
}

func (l *list) is(fault string) bool { return l.fault == fault }

func (l *list) size() (sum int64) {
	for _, e := range l.entries {
		sum += int64(len(e))
	}
	return sum
}

func (l *list) Append(entry []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.is("Append fails"):
		return errors.New("no space")
	case len(entry) == 0 && !l.is("an empty entry is taken"):
		return errors.New("empty")
	case int64(len(entry)) > l.max && l.is("a large entry pushes out others"):
		l.drop(1)
		return errors.New("too large")
	case int64(len(entry)) > l.max && !l.is("a large entry is taken"):
		return errors.New("too large")
	case l.is("entries are lost") && len(l.entries)%10 == 9:
		return nil
	}
	own := bytes.Clone(entry)
	if l.is("Append keeps the slice") {
		own = entry
	}
	if l.is("a byte is changed") && len(own) > 50 {
		own[49] ^= 1
	}
	for l.size()+int64(len(own)) > l.max && !l.is("the bound is passed") {
		if len(l.entries) == 0 {
			break
		}
		if l.is("the newest is dropped") {
			last := len(l.entries) - 1
			l.count(l.entries[last])
			l.entries = l.entries[:last]
			continue
		}
		l.drop(1)
		if l.is("too much is dropped") {
			l.drop(len(l.entries))
		}
	}
	if l.is("the order is changed") && len(l.entries) > 1 {
		last := len(l.entries) - 1
		l.entries = append(l.entries[:last:last], own, l.entries[last])
		return nil
	}
	l.entries = append(l.entries, own)
	return nil
}

// drop drops the oldest n entries.
func (l *list) drop(n int) {
	for _, e := range l.entries[:n] {
		l.count(e)
		if l.is("what is dropped is overwritten") {
			clear(e)
		}
	}
	l.entries = l.entries[n:]
	l.gone += uint64(n)
}

// count counts e as dropped.
func (l *list) count(e []byte) {
	if !l.is("drops are not counted") {
		l.stats.DroppedEntries++
	}
	l.stats.DroppedBytes += uint64(len(e))
	if l.is("dropped bytes are counted wrong") {
		l.stats.DroppedBytes += 8
	}
}

func (l *list) Peek(max int) (entries [][]byte, through uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.peeks++
	if l.is("Peek fails") {
		return nil, 0, errors.New("input/output error")
	}
	n, size := 0, 0
	for _, e := range l.entries {
		size += len(e)
		if size > max && n > 0 && !l.is("Peek passes max") || size > max && l.is("Peek shows nothing that is larger than max") {
			break
		}
		n++
	}
	if l.is("Peek shows nothing at all") {
		n = 0
	}
	from := 0
	if l.is("Peek shows others each time") && n > 1 {
		from = int(l.peeks % 2)
	}
	through = l.gone + uint64(n)
	if l.is("the token changes") {
		through = through<<20 + l.peeks
	}
	return append([][]byte(nil), l.entries[from:n]...), through, nil
}

func (l *list) Ack(through uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.is("the token changes") {
		through >>= 20
	}
	n := int(through - min(through, l.gone))
	switch {
	case l.is("Ack fails"):
		return errors.New("input/output error")
	case l.is("Ack removes nothing"):
		return nil
	case l.is("Ack removes too much"):
		n++
	case l.is("Ack removes again") && through > 0:
		n = max(n, 1)
	case l.is("Ack of what was dropped removes others") && n == 0 && l.stats.DroppedEntries > 0:
		n = 1
	}
	n = min(n, len(l.entries))
	if l.is("what is acknowledged counts as dropped") {
		l.drop(n)
		return nil
	}
	l.entries = l.entries[n:]
	l.gone += uint64(n)
	return nil
}

func (l *list) Stats() logtail.BufferStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Entries, s.Bytes, s.MaxBytes = len(l.entries), l.size(), l.max
	switch {
	case l.is("Stats count one too many"):
		s.Entries++
	case l.is("Stats know no bytes"):
		s.Bytes = 0
	case l.is("Stats know no bound"):
		s.MaxBytes = 0
	case l.is("Stats begin with a drop"):
		s.DroppedEntries++
	}
	return s
}

func (l *list) Claim(owner logtail.PublicID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.claimed && !l.is("it serves two") {
		return logtail.ErrBufferInUse
	}
	if l.is("it refuses others for no reason") && owner != buffertest.Owner() {
		return errors.New("no")
	}
	if l.served && !l.is("a second Logger tells the drops again") || l.is("Claim forgets drops that nobody told") {
		l.stats = logtail.BufferStats{}
	}
	l.claimed, l.served = true, true
	return nil
}

func (l *list) Release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.claimed = l.is("it is never released")
}
