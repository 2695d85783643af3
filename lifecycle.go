package netlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-netlog/netlog/logtail"
)

// minPollPeriod keeps a period without a unit from taking a processor.
const minPollPeriod = time.Millisecond

// grace is what a goroutine that does not hang needs to stop after its deadline.
const grace = 100 * time.Millisecond

// newSession checks the settings and makes a session of them, which holds
// nothing yet that would have to be given back.
func (l *Logger) newSession(nodeID, domainID *logtail.PrivateID, tun Device, cfg *RouteConfig) (*session, error) {
	switch {
	case tun == nil:
		return nil, errors.New("netlog: tun: the Device is nil")
	case l.PollPeriod < 0:
		return nil, fmt.Errorf("netlog: PollPeriod: %v is negative", l.PollPeriod)
	case l.PollPeriod > 0 && l.PollPeriod < minPollPeriod:
		return nil, fmt.Errorf("netlog: PollPeriod: %v is less than %v (a unit is missing?)", l.PollPeriod, minPollPeriod)
	case l.NoUpload && l.OnRecord == nil:
		return nil, errors.New("netlog: OnRecord: is nil, and with NoUpload records go nowhere else")
	case l.Exit > ExitFull:
		return nil, fmt.Errorf("netlog: Exit: %d is no ExitPolicy", l.Exit)
	}
	upload := l.Upload
	upload.PrivateID = cmp.Or(*nodeID, upload.PrivateID, logtail.NewPrivateID())
	upload.CopyPrivateID = cmp.Or(*domainID, upload.CopyPrivateID)
	upload.Collection = cmp.Or(upload.Collection, DefaultCollection)
	node := l.NodeID
	if node == "" && upload.URL != "" {
		node = upload.PrivateID.Public().String() // a fixed path does not carry it
	}
	return &session{
		tun: tun, underlay: l.Underlay,
		config: &upload, noUpload: l.NoUpload, countUploads: l.CountUploads,
		nodeID: node, exit: l.Exit, period: cmp.Or(l.PollPeriod, DefaultPollPeriod),
		ignore: l.Ignore, lookupNode: l.LookupNode, onRecord: l.OnRecord, logf: l.Logf,
		routes:   newRouteTable(cfg),
		stop:     make(chan struct{}),
		polled:   make(chan struct{}),
		quiet:    make(chan struct{}),
		done:     make(chan struct{}),
		finished: make(chan struct{}),
		rerouted: make(chan struct{}, 1),
		lines:    make(chan string, 16),
	}, nil
}

// claim makes s the session of l, unless it has one.
func (l *Logger) claim(s *session) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session != nil {
		return fmt.Errorf("%w as node %v", ErrRunning, l.session.config.PrivateID.Public())
	}
	l.session = s
	return nil
}

// clear undoes claim.
func (l *Logger) clear(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session = nil
}

// finish records the result of a Shutdown; ended, the end of the goroutine. The
// later of the two frees the Logger for the next session.
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

func (l *Logger) ended(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.gone = true
	select {
	case <-s.finished:
		l.session = nil
	default:
	}
}

// shutdown ends the session within ctx.
func (s *session) shutdown(ctx context.Context) error {
	close(s.stop)
	polled := s.await(ctx, s.polled)
	var err error
	if s.upload != nil {
		err = s.upload.Shutdown(ctx)
	}
	s.closeIdle()
	close(s.quiet)
	if s.await(ctx, s.done) {
		s.group.Wait()
	}
	if err == nil && s.abandoned.Load() {
		err = s.undelivered(ctx)
	}
	if polled && s.lost != nil {
		err = errors.Join(s.lost, err)
	}
	return err
}

// closeIdle closes the idle connections of our own transport.
func (s *session) closeIdle() {
	if s.conns != nil {
		s.conns.closeIdle()
	}
}

// await waits for the goroutine to close c, and abandons it at the end of ctx.
func (s *session) await(ctx context.Context, c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-ctx.Done():
	}
	if s.abandoned.Load() {
		return false
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case <-c:
		return true
	case <-late.C:
		s.abandoned.Store(true)
		return false
	}
}

// undelivered is the error of a Shutdown whose ctx has ended.
func (s *session) undelivered(ctx context.Context) error {
	err := &logtail.UndeliveredError{Err: ctx.Err()}
	if s.upload != nil {
		stats := s.upload.Stats()
		err.Entries, err.Bytes = stats.BufferedEntries, stats.BufferedBytes
		err.Kept = s.config.Buffer != nil
	}
	return err
}
