package netlog

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/ownconn"
	"github.com/go-netlog/netlog/internal/route"
	"github.com/go-netlog/netlog/internal/window"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/tunstats"
)

const (
	earlyPeriod   = time.Second     // least time between two windows that are closed early
	latePeriod    = 2 * earlyPeriod // new routes wait longer only for a slow callback or Device
	defaultWindow = 2 << 20         // bytes of JSON: a quarter of the default Buffer
)

// session is the state of a Logger from a Startup to the end of its polling goroutine.
// Only that goroutine calls the devices, and all callbacks but Logf.
type session struct {
	// The fields below are immutable after start.
	tun, underlay Device          // underlay may be nil
	config        *logtail.Config // a copy; a pointer, so that fmt does not print its secrets
	noUpload      bool
	countUploads  bool
	nodeID        string
	exit          ExitPolicy
	period        time.Duration
	ignore        func(flowtrack.Tuple) bool
	lookupNode    func(netip.Addr) (Node, bool)
	onRecord      func(*Message)
	logf          func(string, ...any)
	upload        *logtail.Logger  // nil if noUpload
	conns         *ownconn.Tracker // nil if noUpload or countUploads
	maxWindow     int              // bytes of JSON
	enabled       []Device         // the devices that are counting

	// The fields below are safe for concurrent use.
	group     errgroup.Group
	stop      chan struct{}             // closed by the first Shutdown
	done      chan struct{}             // closed by the goroutine as its last act
	rerouted  chan struct{}             // holds a token after next was set
	abandoned atomic.Bool               // Shutdown has returned without waiting for the goroutine
	next      atomic.Pointer[newRoutes] // the routes of the next window; nil: no change
	counters  counters

	// The fields below are guarded by the Logger's mu.
	phase    phase
	gone     bool          // the goroutine has ended
	finished chan struct{} // closed when err is set
	err      error         // the result of Shutdown

	// The fields below are owned by the goroutine.
	routes  *route.Table
	clock   windowClock
	traffic window.Traffic
	held    map[flowtrack.Tuple]tunstats.Counts // underlay traffic that waits for a record
	fault   string                              // the last fault passed to logf
	lost    error                               // why the Buffer lacks the last window; read after done is closed
}

// phase is the phase of a session between Startup and Shutdown.
type phase uint8

const (
	starting phase = iota // start may still be writing to the session
	running
	stopping // a Shutdown has begun, and may have ended
)

// begun reports whether start has finished. The caller holds the Logger's mu.
func (s *session) begun() bool { return s != nil && s.phase != starting }

// newRoutes are routes that wait for the end of the current window.
type newRoutes struct {
	*route.Table
	since time.Time // of the first change in this window
}

// start opens the upload and turns counting on.
func (s *session) start() error {
	s.maxWindow = math.MaxInt32 // no buffer to share
	if !s.noUpload {
		if err := s.startUpload(); err != nil {
			return err
		}
	}
	for _, d := range s.devices() {
		d.ExtractStatistics() // discard what was counted before
	}
	s.clock = windowClock{start: time.Now().Round(0), opened: time.Now()}
	for _, d := range s.devices() {
		d.SetStatisticsEnabled(true)
		s.enabled = append(s.enabled, d)
	}
	return nil
}

func (s *session) startUpload() error {
	if s.config.Logf == nil && s.logf != nil {
		s.config.Logf = s.say
	}
	if !s.countUploads {
		s.conns = new(ownconn.Tracker)
		s.config.HTTPClient = s.conns.Client(s.config.HTTPClient)
	}
	upload, err := logtail.NewLogger(*s.config)
	if err != nil {
		return fmt.Errorf("netlog: Upload: %w", err)
	}
	s.upload = upload
	// A window takes a quarter of the Buffer, so that one scan cannot evict the records
	// before it. A Buffer without a bound gets windows of the default size.
	s.maxWindow = defaultWindow
	if bound := upload.Stats().BufferMaxBytes; bound > 0 {
		s.maxWindow = int(min(bound/4, math.MaxInt32))
	}
	return nil
}

// discard releases what a failed start has opened.
func (s *session) discard() {
	for _, d := range s.enabled {
		d.SetStatisticsEnabled(false)
	}
	if s.upload == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // nothing has been queued yet
	s.upload.Shutdown(ctx)
	s.closeIdle()
}

func (s *session) devices() []Device {
	if s.underlay == nil {
		return []Device{s.tun}
	}
	return []Device{s.tun, s.underlay}
}

// poll closes a window every period, and early if the routes change. It returns after the
// last window.
func (s *session) poll() {
	s.lost = errEnded // replaced unless a callback ends the goroutine
	ticker := time.NewTicker(s.period)
	defer ticker.Stop()
	early := time.NewTimer(0)
	early.Stop()
	defer early.Stop()
	var lastEarly time.Time
	for {
		select {
		case <-s.stop:
			s.closeLastWindow()
			return
		case <-ticker.C:
			s.closeWindow(false)
		case <-s.rerouted:
			early.Reset(max(0, earlyPeriod-time.Since(lastEarly)))
		case <-early.C:
			next := s.next.Load()
			if next == nil || next.Equal(s.routes) {
				s.next.CompareAndSwap(next, nil) // else the next change would inherit its age
				continue
			}
			lastEarly = time.Now()
			s.closeWindow(false)
		}
	}
}

// reroute makes routes apply from the end of the current window, and ends it soon.
func (s *session) reroute(routes *route.Table) {
	next := &newRoutes{routes, time.Now()}
	if waiting := s.next.Load(); waiting != nil {
		next.since = waiting.since
	}
	s.next.Store(next)
	select {
	case s.rerouted <- struct{}{}:
	default: // the goroutine has not received the last token yet
	}
}

// say passes a line to Logf, from the goroutine or the uploader.
func (s *session) say(format string, args ...any) {
	if s.logf != nil && !s.abandoned.Load() {
		s.logf(format, args...)
	}
}
