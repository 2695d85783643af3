package wgpeer

import "time"

// Asker reads the peers of a device that may hang. It is safe for concurrent use.
type Asker struct {
	timeout time.Duration
	busy    error
	free    chan struct{} // holds a token unless a device is being asked
}

// NewAsker returns an Asker that waits for at most timeout, and then returns the error busy.
func NewAsker(timeout time.Duration, busy error) *Asker {
	a := &Asker{timeout, busy, make(chan struct{}, 1)}
	a.free <- struct{}{}
	return a
}

// Ask returns the result of read. It calls read from another goroutine, which remains if read hangs. Until read
// returns, further calls of Ask return busy at once, so calls of read never overlap.
func (a *Asker) Ask(read func() ([]Peer, error)) (peers []Peer, err error) {
	select {
	case <-a.free:
	default:
		return nil, a.busy
	}
	type answer struct {
		peers []Peer
		err   error
	}
	done := make(chan answer, 1) // buffered, since Ask may have returned
	go func() {
		peers, err := read()
		a.free <- struct{}{}
		done <- answer{peers, err}
	}()
	timeout := time.NewTimer(a.timeout)
	defer timeout.Stop()
	select {
	case got := <-done:
		return got.peers, got.err
	case <-timeout.C:
		return nil, a.busy
	}
}
