package netlog

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/route"
	"github.com/go-netlog/netlog/internal/window"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/record"
)

const (
	// DefaultPollPeriod is the length of a window if Logger.PollPeriod is zero.
	DefaultPollPeriod = 5 * time.Second

	// DefaultCollection is the collection of records if Upload.Collection is empty.
	DefaultCollection = "netlog"
)

// ErrRunning is returned, wrapped, by [Logger.Startup] if the Logger is running, starting,
// or has not finished a Shutdown.
var ErrRunning = errors.New("netlog: the logger is running")

// Message is an alias of [record.Message], so that callbacks need not import package
// record.
type Message = record.Message

// Node is an alias of [record.Node], so that callbacks need not import package record.
type Node = record.Node

// Logger polls a [Device] and uploads one record per busy window. A daemon has one per tunnel.
//
// The zero value is ready to use: it sends exit traffic as totals, every five seconds, to the
// collector on this machine. The exported fields are settings, which Startup reads once. Changes
// take effect at the next Startup. A Logger must not be copied after its first Startup.
//
// A window takes at most a quarter of the Buffer (2 MiB of the default Buffer), so that a
// scan cannot evict earlier records. If a window is larger, its smallest flows are folded:
// they lose their ports, then their addresses, but no packets and bytes. Denied traffic,
// Underlay traffic and the names of nodes each have an eighth of the window reserved. Names
// that do not fit are left out. Each record adds its times, NodeID and SrcNode, usually some
// 100 bytes and at most 5 KiB. With NoUpload there is no Buffer and no bound.
//
// All methods are safe for concurrent use. Only Startup and Shutdown wait: no lock is held
// during a call of the Device, a callback, encoding or network I/O.
//
// Between Startup and Shutdown, a goroutine polls and calls Ignore, LookupNode and OnRecord, one
// at a time. Without NoUpload, another one uploads. Only Shutdown ends them. A slow callback
// delays records, but never packets. Callbacks may call Running, ReconfigRoutes, Stats and
// WritePeer. A Shutdown inside a callback waits for that callback, so it returns at its deadline.
// Panics of callbacks and Devices are not recovered.
type Logger struct {
	Upload logtail.Config // where records go; Startup does not modify it
	Exit   ExitPolicy     // how much is written of exit traffic; the zero value writes totals

	// Underlay counts the encrypted transport, which is logged as physicalTraffic, whatever
	// Exit says: it shows the endpoints of peers. It may be nil. Transport traffic alone
	// makes no record, since keepalives, handshakes and our own uploads never stop: it is
	// added to the next record. So an Underlay does not end the sleep of a Logger.
	Underlay Device

	// Denied counts the packets that the daemon's own filter drops, which are logged as
	// deniedTraffic. It may be nil, or a second tunstats.Meter. Exit and Ignore apply to it
	// too. Denied traffic alone makes a record. For the Device given to Startup, count
	// incoming packets before the filter and outgoing packets after it. Then both ends of the
	// tunnel count the same packets.
	Denied Device

	// NodeID is a label, written as nodeId and cut at 256 bytes. It should equal the NodeID
	// that LookupNode returns for this node's own addresses. If it is empty and Upload.URL
	// is set, the public ID is written instead.
	NodeID string

	// PollPeriod is the length of a window, at least a millisecond. Zero means
	// DefaultPollPeriod. See [Device] for when nothing is polled.
	PollPeriod time.Duration

	// LookupNode returns the node with the given address for srcNode and dstNodes. It may
	// be nil. It is called only for known addresses, at most once per address and window.
	// The slices of the Node must not change afterwards. Unless Exit is ExitFull, addresses
	// of the Node that the routes do not know are left out.
	LookupNode func(netip.Addr) (Node, bool)

	// Ignore reports whether to leave a flow out, such as those of a resolver inside the
	// VPN. It may be nil. It sees every flow as the Device counted it, including exit
	// traffic, but not our own uploads.
	Ignore func(flowtrack.Tuple) bool

	// OnRecord is called with each record before it is queued. It may be nil. The Message
	// is read-only and valid until OnRecord returns.
	OnRecord func(*Message)

	// Logf is called once for each distinct fault and once for each recovery. It may be
	// nil. Like log.Printf, it must be safe for concurrent use. While it hangs, records or
	// uploads wait, but packets and Shutdown do not. It may call Running, ReconfigRoutes
	// and Stats. If Upload.Logf is set, that is called for faults of the upload instead.
	Logf func(format string, args ...any)

	NoUpload     bool // pass records to OnRecord only, which must be set: no buffer, no connection
	CountUploads bool // also log the connections of our own uploads

	mu      sync.Mutex // guards the fields below; held for field access only
	session *session   // set from the beginning of Startup to the end of its goroutine
	result  error      // the result of the last Shutdown
	final   Stats      // the Stats of the last session
}

// Startup begins logging the traffic of tun, under the routes of cfg.
//
// nodeID is the secret identity under which the records are sent, unlike the label NodeID.
// If it is zero, Startup uses Upload.PrivateID, or else a random ID for this session.
// domainID is a second identity under which the server may file the records, sent as
// copyId. If it is zero, Startup uses Upload.CopyPrivateID, which may be zero too. A nil
// cfg is an empty one: all traffic is exit traffic.
//
// Startup checks all settings first and changes nothing if it fails. The error wraps
// [ErrRunning], or it names the wrong setting.
//
// Startup discards what tun, Underlay and Denied counted before, and turns them on before it
// returns: from then on no packet is missed. Startup waits for the three, but not for the
// network. While one of them hangs, the other methods do not wait.
func (l *Logger) Startup(nodeID, domainID logtail.PrivateID, tun Device, cfg *RouteConfig) error {
	// This call is inlined, so a traceback does not print its arguments: the first bytes of
	// the IDs.
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
		if !started { // because of an error or a panic of the device
			defer l.unclaim()
			s.discard()
		}
	}()
	if err := s.start(); err != nil {
		return err
	}
	s.group.Go(func() error {
		defer close(s.done)
		defer l.ended(s)
		s.poll()
		return nil
	})
	l.mu.Lock()
	s.phase = running
	l.mu.Unlock()
	started = true
	return nil
}

// Running reports whether Startup has returned nil and no Shutdown has begun since.
func (l *Logger) Running() bool { return l.live() != nil }

// ReconfigRoutes replaces the routes. It ends the current window, usually within a second.
// That window is written under the old routes, and later ones under cfg.
//
// ReconfigRoutes copies cfg and does not wait. It does nothing before Startup, after Shutdown,
// or if the routes are equal. During Startup, the routes are queued and apply after it.
// Windows are closed early at most once a second, and the newest routes win.
//
// Call ReconfigRoutes before adding a peer and after removing one, so that the routes cover
// the peer as long as it is configured. Traffic of up to a second after the call is still
// written under the old routes, so the first traffic of a new peer may be hidden as exit
// traffic. If a slow callback or Device delays the end by more than two seconds, the window
// shows only addresses that are known under the old routes and under all routes set since.
func (l *Logger) ReconfigRoutes(cfg *RouteConfig) {
	l.mu.Lock()
	s := l.session
	l.mu.Unlock()
	if s != nil {
		s.replaceRoutes(newTable(cfg))
	}
}

// Shutdown stops counting, writes the last window and uploads what is queued.
//
// It returns nil if the last window was written and everything queued was delivered. If ctx
// ends first, the error wraps a [*logtail.UndeliveredError], which wraps the error of ctx.
// If the last window was lost, the error says why, and wraps the error of a Buffer that did
// not accept it. An error may wrap both. Stats counts the records dropped earlier.
//
// ctx bounds every step; without a deadline, Shutdown waits for the server without end. It returns
// at most 200 ms after ctx ends. The last window may take up to 100 ms of that, so that even a
// Shutdown with a cancelled ctx saves it to a Buffer on disk. If a Device or callback hangs for
// longer, Shutdown returns without the last window, and counting may stay on. Startup then fails
// with [ErrRunning] until the call returns, after which that session makes no other.
//
// Shutdown may be called at any time and from any number of goroutines. The ctx of the
// first caller governs; the others wait for its result or the end of their own ctx. If
// Startup has not returned yet, or a Shutdown has, it does nothing and returns the result of
// the last Shutdown. Call it before closing the tunnel, which the upload may need, and before
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
	case <-ctx.Done():
		if !s.ended() {
			return s.undelivered(ctx)
		}
	}
	return s.err
}

// WritePeer writes an entry that says what happened to a peer, for example that it connected, as
// wgtun.FollowPeers and netif.FollowPeers report it. The Endpoint is left out unless Underlay is
// set, which shows endpoints anyway. With NoUpload, nothing is written. WritePeer may wait for the
// Buffer. The error is that of the Buffer, or says that the Logger is not running.
func (l *Logger) WritePeer(p record.Peer) error {
	s := l.live()
	if s == nil {
		return errors.New("netlog: WritePeer: the Logger is not running")
	} else if s.noUpload {
		return nil
	}
	return s.upload.WriteObject(func(dst []byte) []byte { return window.AppendPeer(dst, s.nodeID, p, s.underlay != nil) })
}

// Stats returns the counters of the running session, or else of the last one. It never
// waits.
func (l *Logger) Stats() Stats {
	l.mu.Lock()
	s, final, live := l.session, l.final, l.session.begun() && !l.session.ended()
	l.mu.Unlock()
	if !live {
		return final
	}
	return s.stats()
}

// newTable returns the table of cfg, which may be nil.
func newTable(cfg *RouteConfig) *route.Table {
	if cfg == nil {
		cfg = new(RouteConfig)
	}
	return route.New(route.Config(*cfg))
}
