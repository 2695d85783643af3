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
	"github.com/go-netlog/netlog/internal/faults"
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

// session is the state of a Logger from a Startup to the end of its polling goroutine. Only
// that goroutine calls the callbacks but Logf, and the devices except during start and
// discard.
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
	abandoned atomic.Bool               // Shutdown no longer waits for the goroutine
	next      atomic.Pointer[newRoutes] // the routes of the next window; nil: no change
	counters  counters

	// The fields below are guarded by the Logger's mu.
	phase    phase
	gone     bool          // the goroutine has ended
	finished chan struct{} // closed when err is set
	err      error         // the result of Shutdown

	// The fields below are owned by the goroutine.
	routes  *route.Table
	clock   window.Clock
	traffic window.Traffic
	held    map[flowtrack.Tuple]tunstats.Counts // underlay traffic that waits for a record
	faults  faults.Faults                       // the faults passed to logf
	lost    error                               // why the last window was lost; read after done is closed
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

// ended reports whether Shutdown has a result, which is in err from then on.
func (s *session) ended() bool {
	select {
	case <-s.finished:
		return true
	default:
		return false
	}
}

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
	s.clock = window.NewClock(time.Now())
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
	cancel() // there is nothing new to upload
	s.upload.Shutdown(ctx)
	s.conns.CloseIdle()
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
		case <-ticker.C:
		case <-s.rerouted:
			early.Reset(max(0, earlyPeriod-time.Since(lastEarly)))
			continue
		case <-early.C:
			next := s.next.Load()
			if next == nil || next.Equal(s.routes) {
				s.next.CompareAndSwap(next, nil) // else the next change would inherit its age
				continue
			}
			lastEarly = time.Now()
		}
		select {
		case <-s.stop: // even if another case was chosen
			s.closeLastWindow()
			return
		default:
			s.closeWindow(false)
		}
	}
}

// reroute makes routes apply from the end of the current window, and ends it soon.
func (s *session) reroute(routes *route.Table) {
	for now, stored := time.Now(), false; !stored; {
		next, waiting := &newRoutes{routes, now}, s.next.Load()
		if waiting != nil {
			next.since = waiting.since
		}
		stored = s.next.CompareAndSwap(waiting, next)
	}
	select {
	case s.rerouted <- struct{}{}:
	default: // the goroutine has not received the last token yet
	}
}
