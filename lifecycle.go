package netlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-netlog/netlog/internal/pace"
	"github.com/go-netlog/netlog/logtail"
)

// minPollPeriod catches a period that lacks its unit and would occupy a processor.
const minPollPeriod = time.Millisecond

// grace is the time past its deadline that a Shutdown grants a goroutine to stop.
const grace = 100 * time.Millisecond

// newSession checks the settings and returns a session with them. The session holds no
// resources yet.
func (l *Logger) newSession(nodeID, domainID *logtail.PrivateID, tun Device, cfg *RouteConfig) (*session, error) {
	switch {
	case tun == nil:
		return nil, errors.New("netlog: tun: the Device is nil")
	case l.PollPeriod < 0:
		return nil, fmt.Errorf("netlog: PollPeriod: %v is negative", l.PollPeriod)
	case l.PollPeriod > 0 && l.PollPeriod < minPollPeriod:
		return nil, fmt.Errorf("netlog: PollPeriod: %v is less than %v (a unit is missing?)", l.PollPeriod, minPollPeriod)
	case l.NoUpload && l.OnRecord == nil:
		return nil, errors.New("netlog: OnRecord: is nil, but NoUpload passes records to OnRecord only")
	case l.Exit > ExitFull:
		return nil, fmt.Errorf("netlog: Exit: %d is not an ExitPolicy", l.Exit)
	}
	upload := l.Upload
	upload.PrivateID = cmp.Or(*nodeID, upload.PrivateID, logtail.NewPrivateID())
	upload.CopyPrivateID = cmp.Or(*domainID, upload.CopyPrivateID)
	upload.Collection = cmp.Or(upload.Collection, DefaultCollection)
	node := l.NodeID
	if node == "" && upload.URL != "" {
		node = upload.PrivateID.Public().String() // a fixed URL does not contain it
	}
	return &session{
		tun: tun, underlay: l.Underlay, denied: l.Denied,
		config: &upload, noUpload: l.NoUpload, countUploads: l.CountUploads,
		nodeID: node, exit: l.Exit, pace: pace.New(cmp.Or(l.PollPeriod, DefaultPollPeriod)),
		ignore: l.Ignore, lookupNode: l.LookupNode, onRecord: l.OnRecord, userLogf: l.Logf,
		routes:   newTable(cfg),
		stop:     make(chan struct{}),
		done:     make(chan struct{}),
		finished: make(chan struct{}),
	}, nil
}

// claim makes s the session of l. It fails if l has a session.
func (l *Logger) claim(s *session) error {
	l.mu.Lock()
	other := l.session
	if other == nil {
		l.session = s
	}
	l.mu.Unlock()
	if other != nil {
		return fmt.Errorf("%w as node %v", ErrRunning, other.config.PrivateID.Public())
	}
	return nil
}

// live returns the session, or nil if it is not running.
func (l *Logger) live() *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.session; s != nil && s.phase == running {
		return s
	}
	return nil
}

// unclaim undoes claim.
func (l *Logger) unclaim() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session = nil
}

// finish stores the result of a Shutdown. finish and ended free the Logger for the next
// session when both have been called.
func (l *Logger) finish(s *session, err error) {
	final := s.stats()
	l.mu.Lock()
	defer l.mu.Unlock()
	s.err, l.result, l.final = err, err, final
	close(s.finished)
	if s.gone {
		l.session = nil
	}
}

// ended notes that the goroutine of s has ended.
func (l *Logger) ended(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.gone = true
	if s.ended() {
		l.session = nil
	}
}

// shutdown ends the session within ctx.
func (s *session) shutdown(ctx context.Context) error {
	close(s.stop)
	polled := s.await(ctx)
	var err error
	if s.upload != nil {
		err = s.upload.Shutdown(ctx)
	}
	s.conns.CloseIdle()
	if !polled {
		if err == nil {
			err = s.undelivered(ctx)
		}
		return errors.Join(errHung, err)
	}
	s.group.Wait()
	if s.lost != nil {
		err = errors.Join(s.lost, err)
	}
	return err
}

// await waits for the goroutine and reports whether it has ended. At the end of ctx and its
// grace, await abandons the goroutine.
func (s *session) await(ctx context.Context) bool {
	select {
	case <-s.done:
		return true
	case <-ctx.Done():
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case <-s.done:
		return true
	case <-late.C:
		s.abandoned.Store(true)
		return false
	}
}

// undelivered returns the error of a Shutdown whose ctx has ended.
func (s *session) undelivered(ctx context.Context) error {
	err := &logtail.UndeliveredError{Err: ctx.Err()}
	if s.upload != nil {
		stats := s.upload.Stats()
		err.Entries, err.Bytes = stats.BufferedEntries, stats.BufferedBytes
		err.Kept = s.config.Buffer != nil && err.Entries > 0
	}
	return err
}
