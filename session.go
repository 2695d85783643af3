package netlog

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/faults"
	"github.com/go-netlog/netlog/internal/ownconn"
	"github.com/go-netlog/netlog/internal/pace"
	"github.com/go-netlog/netlog/internal/route"
	"github.com/go-netlog/netlog/internal/window"
	"github.com/go-netlog/netlog/logtail"
)

const defaultWindow = 2 << 20 // bytes of JSON: a quarter of the default Buffer

// session is the state of a Logger from a Startup to the end of its polling goroutine. Only
// that goroutine calls the callbacks but Logf, and the devices except during start and
// discard.
type session struct {
	// The fields below are immutable after start.
	tun              Device
	underlay, denied Device          // may be nil
	config           *logtail.Config // a copy; a pointer, so that fmt does not print its secrets
	noUpload         bool
	countUploads     bool
	nodeID           string
	exit             ExitPolicy
	ignore           func(flowtrack.Tuple) bool
	lookupNode       func(netip.Addr) (Node, bool)
	onRecord         func(*Message)
	userLogf         func(string, ...any)
	upload           *logtail.Logger  // nil if noUpload
	conns            *ownconn.Tracker // nil if noUpload or countUploads
	enabled          []Device         // the devices that are counting
	notifiers        []notifier       // tun and denied, with pace.Wake; or empty: the session does not sleep

	// The fields below are safe for concurrent use.
	group     errgroup.Group
	stop      chan struct{} // closed by the first Shutdown
	done      chan struct{} // closed by the goroutine as its last act
	pace      *pace.Pace    // Wake and EndEarly; the goroutine owns the rest
	abandoned atomic.Bool   // Shutdown no longer waits for the goroutine
	pending   route.Pending // the routes of the next window
	counters  counters

	// The fields below are guarded by the Logger's mu.
	phase    phase
	gone     bool          // the goroutine has ended
	finished chan struct{} // closed when err is set
	err      error         // the result of Shutdown

	// The fields below are owned by the goroutine.
	routes    *route.Table
	clock     window.Clock
	collector window.Collector
	faults    faults.Faults // the faults passed to logf
	missed    uint64        // packets that the devices had lost at the last extraction
	lost      error         // why the last window was lost; read after done is closed
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

// start opens the upload and turns counting on.
func (s *session) start() error {
	s.collector = window.Collector{Policy: window.Policy(s.exit), MaxBytes: math.MaxInt32, Named: s.lookupNode != nil}
	if s.ignore != nil { // not called once the session is abandoned
		s.collector.Ignore = func(t flowtrack.Tuple) bool { return s.abandoned.Load() || s.ignore(t) }
	}
	if !s.noUpload {
		if err := s.startUpload(); err != nil {
			return err
		}
	}
	for _, d := range s.devices() {
		d.ExtractStatistics() // discard what was counted before
	}
	s.addMissed()
	s.collector.Lost = 0 // lost before
	s.clock = window.NewClock(time.Now())
	for _, d := range s.devices() {
		d.SetStatisticsEnabled(true)
		s.enabled = append(s.enabled, d)
	}
	for _, n := range notifiersOf(s.tun, s.denied) { // underlay traffic makes no record
		n.NotifyActivity(s.pace.Wake)
		s.notifiers = append(s.notifiers, n)
	}
	return nil
}

func (s *session) startUpload() error {
	if s.config.Logf == nil && s.userLogf != nil {
		s.config.Logf = s.logf
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
	s.collector.MaxBytes = defaultWindow
	if bound := upload.Stats().BufferMaxBytes; bound > 0 {
		s.collector.MaxBytes = int(min(bound/4, math.MaxInt32))
	}
	return nil
}

// discard releases what a failed start has opened.
func (s *session) discard() {
	for _, d := range s.enabled {
		d.SetStatisticsEnabled(false)
	}
	s.notify(nil)
	if s.upload == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // there is nothing new to upload
	s.upload.Shutdown(ctx)
	s.conns.CloseIdle()
}

func (s *session) devices() []Device {
	return slices.DeleteFunc([]Device{s.tun, s.underlay, s.denied}, func(d Device) bool { return d == nil })
}

// notifiersOf returns devices as notifiers, without nil ones, or nil if one of them is not.
func notifiersOf(devices ...Device) (all []notifier) {
	for _, d := range devices {
		if n, ok := d.(notifier); ok {
			all = append(all, n)
		} else if d != nil {
			return nil
		}
	}
	return all
}

// notify passes wake to the devices. If it is nil, they forget the session.
func (s *session) notify(wake func()) {
	for _, n := range s.notifiers {
		if !s.abandoned.Load() {
			n.NotifyActivity(wake)
		}
	}
}

// poll closes a window whenever one ends. It returns after the last window.
func (s *session) poll() {
	s.lost = errEnded // replaced unless a callback ends the goroutine
	s.pace.Start()
	defer s.pace.Stop()
	routesChanged := func() bool { return s.pending.Changes(s.routes, time.Now()) }
	for {
		if began := s.pace.Wait(s.stop, routesChanged); !began.IsZero() {
			s.clock.Skip(began)
		}
		select {
		case <-s.stop:
			s.closeLastWindow()
			return
		default:
		}
		if idle, _ := s.closeWindow(false); idle && len(s.notifiers) > 0 {
			s.pace.Sleep()
			s.notify(s.pace.Wake) // again, for a device that extracted what its ExtractStatistics leaves out
		}
	}
}

// replaceRoutes makes routes apply from the end of the current window, and ends it soon.
func (s *session) replaceRoutes(routes *route.Table) {
	s.pending.Set(routes, time.Now())
	s.pace.EndEarly()
}
