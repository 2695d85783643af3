package netlog

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/logtail"
)

const (
	// DefaultPollPeriod is the length of a window where PollPeriod is zero.
	DefaultPollPeriod = 5 * time.Second

	// DefaultCollection is where records go unless Upload.Collection says otherwise.
	DefaultCollection = "netlog"
)

// ErrRunning is returned, wrapped, by [Logger.Startup] of a Logger that is
// running, starting, or not yet done with a Shutdown.
var ErrRunning = errors.New("netlog: the logger is running")

// Logger polls a [Device] and uploads one record per busy window.
//
// The zero value is ready: it sends exit traffic as totals, every five seconds,
// to the collector on this machine. The fields are settings; Startup reads them
// once, and changes take effect at the next Startup. A Logger must not be copied
// after its first Startup.
//
// A window takes at most a quarter of the Buffer (2 MiB of the default one), so
// that one scan cannot evict the evidence before it. Past that its smallest flows
// are folded: they lose their ports, then their addresses, never their packets and
// bytes. The paths of Underlay and the names of nodes have at least an eighth of
// the window each; nodes past that go unnamed. Each record of it adds a head of its
// own, of times, NodeID and srcNode: some 100 bytes, 5 KiB at most. With NoUpload
// there is no Buffer to share, and no bound.
//
// All methods are safe for concurrent use, and none but Startup and Shutdown
// ever waits: no lock is held over a call to the Device, a callback, the
// encoding or the network.
//
// The callbacks (Ignore, LookupNode, OnRecord, Logf) run on the goroutine that
// polls, one at a time; a slow one delays records, never packets. They may call
// Running, ReconfigRoutes and Stats. A Shutdown from inside a callback waits for
// that very callback, and so returns at its deadline. Panics are not recovered.
type Logger struct {
	Upload logtail.Config // where records go; Startup sets the IDs in its own copy
	Exit   ExitPolicy     // what is written of exit traffic; zero: totals only

	// Underlay counts the encrypted transport; optional. Its traffic is logged as
	// physicalTraffic. What passes while the tunnel itself is idle (keepalives,
	// handshakes, our own uploads) makes no record: it is added to the next one.
	Underlay Device

	// NodeID is written as nodeId, cut at 256 bytes: a label, and the one that
	// LookupNode gives for this node's own addresses; optional.
	NodeID string

	// PollPeriod is the length of a window, at least a millisecond; zero:
	// DefaultPollPeriod.
	PollPeriod time.Duration

	// LookupNode names nodes for srcNode and dstNodes; optional. It is asked for
	// known addresses only, once each a window. The slices of the Node must not
	// change afterwards. Addresses of a Node that the routes do not know are left
	// out, unless Exit is ExitFull.
	LookupNode func(netip.Addr) (Node, bool)

	// Ignore reports whether to leave a flow out, such as those of a resolver inside
	// the VPN; optional. It sees every flow as it was counted, exit traffic too.
	Ignore func(flowtrack.Tuple) bool

	// OnRecord sees each record before it is queued: a live view, a local sink;
	// optional. The Message is read-only and valid until OnRecord returns.
	OnRecord func(*Message)

	// Logf gets a line for each distinct fault and one for each recovery; nil: none.
	Logf func(format string, args ...any)

	NoUpload     bool // records go to OnRecord only, which must be set: no buffer, no connection
	CountUploads bool // also log the connections of our own uploads

	mu      sync.Mutex // guards the fields below; held for field access only
	session *session   // from the beginning of Startup to the end of its goroutine
	result  error      // of the last Shutdown
	final   Stats      // of the last session
}

// Startup begins logging the traffic of tun, under the routes of cfg.
//
// nodeID is the secret identity that the records are sent under, not the label
// NodeID; zero: Upload.PrivateID, or else a fresh random ID for this session.
// domainID is a second identity that the server may file them under, sent as
// copyId; zero: Upload.CopyPrivateID, which is mostly zero. A nil cfg is an empty
// one: all traffic is exit traffic.
//
// Startup checks everything first and changes nothing when it fails: with an error
// that is [ErrRunning], or one that names the wrong setting.
//
// What tun counted before is discarded. Counting is on before Startup returns:
// from then on no packet is missed. Startup waits for tun and Underlay, but not for
// the network; while one of them hangs, the other methods answer as before it.
func (l *Logger) Startup(nodeID, domainID logtail.PrivateID, tun Device, cfg *RouteConfig) error {
	// A call that is inlined has no arguments in a traceback, which would print the
	// first bytes of the IDs.
	return l.startup(&nodeID, &domainID, tun, cfg)
}

func (l *Logger) startup(nodeID, domainID *logtail.PrivateID, tun Device, cfg *RouteConfig) error {
	s, err := l.newSession(nodeID, domainID, tun, cfg)
	if err != nil {
		return err
	}
	if err := l.claim(s); err != nil {
		return err
	}
	started := false
	defer func() {
		if !started { // an error, or a panic of the device
			defer l.clear(s)
			s.discard()
		}
	}()
	if err := s.start(); err != nil {
		return err
	}
	s.group.Go(func() error {
		defer close(s.done)
		defer l.ended(s)
		s.run()
		return nil
	})
	l.mu.Lock()
	s.phase = running
	l.mu.Unlock()
	started = true
	return nil
}

// Running reports whether the Logger is between a Startup that returned nil and
// the beginning of the next Shutdown.
func (l *Logger) Running() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.session != nil && l.session.phase == running
}

// ReconfigRoutes replaces the routes, and closes the current window: what was
// counted until then is written under the old routes, and only then are the new
// ones in force.
//
// It copies cfg and does not wait. Equal routes change nothing. Windows are
// closed early at most once a second; the newest routes win. On a Logger that is
// not running it does nothing. Call it before a peer is added and after one is
// removed: what falls between is scrubbed as exit traffic, never uncovered.
//
// So traffic of up to a second after ReconfigRoutes is still written under the old
// routes. Where a callback or a Device that is slow makes that more than two seconds,
// what the new routes do not know is scrubbed in the whole window.
func (l *Logger) ReconfigRoutes(cfg *RouteConfig) {
	l.mu.Lock()
	s := l.session
	l.mu.Unlock()
	if s != nil {
		s.reroute(newRouteTable(cfg))
	}
}

// Shutdown stops counting, takes the last window and uploads what is queued.
//
// It returns nil when the last window was taken and all that was queued delivered,
// and otherwise a [*logtail.UndeliveredError] that wraps the error of ctx. Where the
// Buffer did not take the last window, the error wraps that of the Buffer, and an
// UndeliveredError only if there is one. What was dropped before stands in Stats.
//
// ctx bounds every step, also the wait for a Device or a callback that hangs; its
// goroutine then makes no further call when it wakes, not even to stop counting, and
// until it does Startup returns [ErrRunning].
// One that does not hang is given a tenth of a second past ctx to take the last
// window, so that a Shutdown with a cancelled ctx still saves it to a Buffer on disk.
//
// Shutdown may be called at any time and from any number of goroutines: the
// first caller's ctx governs, the others wait for its result or for the end of
// their own ctx. Without a session it returns the result of the last one.
// Call it before closing the tunnel, which the upload may need, and before
// closing the Buffer. The Logger can be started again afterwards.
func (l *Logger) Shutdown(ctx context.Context) error {
	l.mu.Lock()
	s := l.session
	if !s.begun() {
		defer l.mu.Unlock()
		return l.result
	}
	first := s.phase == running
	s.phase = stopping
	l.mu.Unlock()

	if first {
		err := s.shutdown(ctx)
		l.finish(s, err)
		return err
	}
	select {
	case <-s.finished:
		return s.err
	case <-ctx.Done():
		return s.undelivered(ctx)
	}
}

// Stats tells what the running session has done, or the last one. It never waits.
func (l *Logger) Stats() Stats {
	l.mu.Lock()
	s, final, begun := l.session, l.final, l.session.begun()
	l.mu.Unlock()
	if !begun {
		return final
	}
	return s.stats()
}
