package netlog

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/go-netlog/netlog/logtail"
)

// newSession checks the settings and makes a session of them, which holds
// nothing yet that would have to be given back.
func (l *Logger) newSession(nodeID, domainID logtail.PrivateID, tun Device, cfg *RouteConfig) (*session, error) {
	switch {
	case tun == nil:
		return nil, errors.New("netlog: tun: the Device is nil")
	case l.PollPeriod < 0:
		return nil, fmt.Errorf("netlog: PollPeriod: %v is negative", l.PollPeriod)
	case l.Exit > ExitFull:
		return nil, fmt.Errorf("netlog: Exit: %d is no ExitPolicy", l.Exit)
	}
	upload := l.Upload
	upload.PrivateID = cmp.Or(nodeID, upload.PrivateID, logtail.NewPrivateID())
	upload.CopyPrivateID = cmp.Or(domainID, upload.CopyPrivateID)
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
