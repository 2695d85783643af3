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
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/tunstats"
)

const (
	earlyPeriod   = time.Second     // windows are closed early at most this often
	latePeriod    = 2 * earlyPeriod // new routes that wait for longer have met a callback or a Device that hangs
	defaultWindow = 2 << 20         // bytes of JSON: a quarter of the default Buffer
)

// session is the time between a Startup and the end of its goroutine, which
// runs from start to the closing of quiet. It alone calls the devices and callbacks.
type session struct {
	// Immutable after start.
	tun, underlay Device          // underlay may be nil
	config        *logtail.Config // a copy, and a pointer: fmt must not follow a Logger to the secrets
	noUpload      bool
	countUploads  bool
	nodeID        string
	exit          ExitPolicy
	period        time.Duration
	ignore        func(flowtrack.Tuple) bool
	lookupNode    func(netip.Addr) (Node, bool)
	onRecord      func(*Message)
	logf          func(string, ...any)
	upload        *logtail.Logger // nil where noUpload
	conns         *ownConns       // nil where noUpload or countUploads
	maxWindow     int             // bytes of JSON
	enabled       []Device        // those that count

	// Signals, safe from anywhere.
	group    errgroup.Group
	stop     chan struct{} // closed by the first Shutdown: take the last window
	polled   chan struct{} // closed by the goroutine: the last window is queued
	quiet    chan struct{} // closed by Shutdown: the upload has ended
	done     chan struct{} // closed by the goroutine as its last act
	rerouted chan struct{} // holds a token when next was set
	lines    chan string   // what the uploader has to say, for logf

	abandoned atomic.Bool               // Shutdown went away without the goroutine
	next      atomic.Pointer[newRoutes] // in force after the current window; nil: no change

	// Guarded by the Logger's mu.
	phase    phase
	gone     bool          // the goroutine has ended
	finished chan struct{} // closed when err is set
	err      error         // the result of Shutdown

	counters counters // guarded by a mu of their own

	// Owned by the goroutine.
	routes  *routeTable
	clock   windowClock
	traffic traffic
	held    map[flowtrack.Tuple]tunstats.Counts // of the underlay, waiting for a record
	fault   string                              // the last one told to logf
	lost    error                               // why the last window is not in the Buffer; read after polled is closed
}

// newRoutes are routes that wait for the end of the current window.
type newRoutes struct {
	*routeTable
	since time.Time // of the first change in this window
}

// start opens the upload and turns counting on.
func (s *session) start() error {
	s.maxWindow = math.MaxInt32 // no buffer to share
	if !s.noUpload {
		if s.config.Logf == nil && s.logf != nil {
			s.config.Logf = s.queueLine
		}
		if !s.countUploads {
			s.conns = new(ownConns)
			s.config.HTTPClient = s.conns.client(s.config.HTTPClient)
		}
		upload, err := logtail.NewLogger(*s.config)
		if err != nil {
			return fmt.Errorf("netlog: Upload: %w", err)
		}
		s.upload = upload
		// A quarter, so that one scan cannot evict the evidence before it. A Buffer
		// that names no bound gets windows like the default one.
		s.maxWindow = defaultWindow
		if bound := upload.Stats().BufferMaxBytes; bound > 0 {
			s.maxWindow = int(min(bound/4, math.MaxInt32))
		}
	}
	for _, d := range s.devices() {
		d.ExtractStatistics() // what was counted before is not ours
	}
	s.clock = windowClock{start: time.Now().Round(0), opened: time.Now()}
	for _, d := range s.devices() {
		d.SetStatisticsEnabled(true)
		s.enabled = append(s.enabled, d)
	}
	return nil
}

// phase is where a session stands between Startup and Shutdown.
type phase uint8

const (
	starting phase = iota // what start sets must not be read
	running
	stopping // a Shutdown has begun, and may have ended
)

// begun reports whether start is done. It needs the Logger's mu.
func (s *session) begun() bool { return s != nil && s.phase != starting }

// discard gives back what a start that failed had opened.
func (s *session) discard() {
	for _, d := range s.enabled {
		d.SetStatisticsEnabled(false)
	}
	if s.upload == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // there is nothing of ours to upload yet
	s.upload.Shutdown(ctx)
	s.closeIdle()
}

func (s *session) devices() []Device {
	if s.underlay == nil {
		return []Device{s.tun}
	}
	return []Device{s.tun, s.underlay}
}

// run is the goroutine: it polls until stop, and speaks until quiet.
func (s *session) run() {
	s.poll()
	for {
		select {
		case line := <-s.lines:
			s.say(line)
		case <-s.quiet:
			for len(s.lines) > 0 {
				s.say(<-s.lines)
			}
			return
		}
	}
}

// poll closes a window every period, and early where routes change.
func (s *session) poll() {
	s.lost = errEnded // until it gets there
	defer close(s.polled)
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
			if next == nil || next.equal(s.routes) {
				s.next.CompareAndSwap(next, nil) // or the change after it would look as old
				continue
			}
			lastEarly = time.Now()
			s.closeWindow(false)
		case line := <-s.lines:
			s.say(line)
		}
	}
}

// reroute puts routes in force at the end of the current window, and ends it soon.
func (s *session) reroute(routes *routeTable) {
	next := &newRoutes{routes, time.Now()}
	if waiting := s.next.Load(); waiting != nil {
		next.since = waiting.since
	}
	s.next.Store(next)
	select {
	case s.rerouted <- struct{}{}:
	default: // the goroutine has yet to see the last token
	}
}

// queueLine is the uploader's Logf: it runs on the uploader's goroutine, so the
// line waits for ours. Lines past the capacity are dropped.
func (s *session) queueLine(format string, args ...any) {
	select {
	case s.lines <- fmt.Sprintf(format, args...):
	default:
	}
}

func (s *session) say(line string) {
	if s.logf != nil && !s.abandoned.Load() {
		s.logf("%s", line)
	}
}
