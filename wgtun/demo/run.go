package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/wgtun"
)

type options struct {
	out    io.Writer     // for messages to people
	url    string        // the collector; if it is empty, run starts one and sets url
	page   bool          // serve a page, and go on until ctx ends
	poll   time.Duration // length of a window
	rounds int           // rounds of traffic
	pause  time.Duration // after each round
	bytes  int64         // bytes downloaded in a round; half as many are uploaded
	grace  time.Duration // for the last upload

	embedded bool   // set by run: the collector is our own
	look     string // set by run: the URL of the page
}

const (
	pings     = 5  // a round
	datagrams = 10 // a round
)

// run runs the demo and returns its report, even if the numbers disagree.
func run(ctx context.Context, opts options) (*report, error) {
	say := func(format string, args ...any) { fmt.Fprintf(opts.out, format+"\n", args...) }

	alpha, beta, err := newTunnel()
	if err != nil {
		return nil, err
	}
	defer closeTunnel(alpha, beta)
	say("1. Two WireGuard devices, joined over UDP on the loopback interface:")
	for _, n := range []*node{alpha, beta} {
		say("   %-5s is %v in the tunnel, at %v outside", n.name, n.prefix.Addr(), n.endpoint)
	}

	seen, where := newBook(), "a collector"
	endCollect, err := collect(&opts, seen)
	if err != nil {
		return nil, err
	}
	defer endCollect()
	if opts.embedded {
		where = "a receiver inside the demo"
	}
	say("2. The records go to %s, at %s", where, opts.url)

	var loggers []*netlog.Logger
	defer func() { shutdown(loggers, opts.grace) }() // before the devices are closed
	say("3. A Logger on each end, a window of %v. Their public IDs:", opts.poll)
	for _, n := range []*node{alpha, beta} {
		l, id, err := startLogger(n, opts, seen)
		if err != nil {
			return nil, err
		}
		loggers = append(loggers, l)
		say("   %-5s %v", n.name, id)
	}

	if err := move(ctx, alpha, beta, opts, say); err != nil {
		return nil, err
	}
	if err := shutdown(loggers, opts.grace); err != nil {
		return nil, err
	}
	say("5. Both Loggers shut down: the last window is delivered.\n")

	r := newReport(seen, alpha, beta)
	r.print(opts.out)
	return r, r.check(opts.out)
}

// startLogger starts the Logger of n, under a fresh identity.
func startLogger(n *node, opts options, seen *book) (*netlog.Logger, logtail.PublicID, error) {
	id := logtail.NewPrivateID()
	routes, err := wgtun.Routes(n.dev, n.prefix)
	if err != nil {
		return nil, id.Public(), err
	}
	l := &netlog.Logger{
		Upload:     logtail.Config{BaseURL: opts.url},
		Underlay:   wgtun.Underlay(n.dev),
		Denied:     &n.filter.denied,
		NodeID:     n.name,
		PollPeriod: opts.poll,
	}
	if !opts.embedded { // the records of another collector are not available
		l.OnRecord = func(m *netlog.Message) { seen.add(m.Clone()) }
	}
	seen.expect(id.Public(), n.name)
	return l, id.Public(), l.Startup(id, logtail.PrivateID{}, n.tun, routes)
}

// shutdown shuts the loggers down, within a timeout. It may be called again.
func shutdown(loggers []*netlog.Logger, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	var errs []error
	for _, l := range loggers {
		errs = append(errs, l.Shutdown(ctx))
	}
	return errors.Join(errs...)
}

// move sends traffic through the tunnel and waits until all of it has arrived.
func move(ctx context.Context, alpha, beta *node, opts options, say func(string, ...any)) error {
	server := beta.prefix.Addr()
	stop, err := serve(beta.net, server)
	if err != nil {
		return err
	}
	defer stop()
	transport := &http.Transport{DialContext: alpha.net.DialContext, DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}

	if opts.page {
		return moveOn(ctx, alpha, server, client, opts, say)
	}
	say("4. Traffic through the tunnel, %d rounds: alpha gets %s and sends %s by HTTP, %d pings, %d datagrams echoed",
		opts.rounds, size(opts.bytes), size(opts.bytes/2), pings, datagrams)
	for range opts.rounds {
		if err := moveOnce(ctx, alpha, server, client, opts.bytes); err != nil {
			return err
		}
		if err := wait(ctx, opts.pause); err != nil {
			return err
		}
	}
	transport.CloseIdleConnections()
	say("   alpha is refused at a closed port, and the filter of beta drops a datagram")
	if err := knock(ctx, alpha.net, server); err != nil {
		return fmt.Errorf("connect to a closed port: %w", err)
	}
	if err := discard(ctx, alpha.net, server, beta.filter); err != nil {
		return fmt.Errorf("datagram: %w", err)
	}
	return settle(ctx, alpha, beta)
}

// moveOn sends traffic of changing volume until ctx ends, and now and then tries to connect to a port where
// nobody listens.
func moveOn(ctx context.Context, alpha *node, server netip.Addr, client *http.Client, opts options, say func(string, ...any)) error {
	say("4. Traffic through the tunnel until ^C: HTTP, pings, datagrams, and connections that are refused")
	say("5. Look at it: %s", opts.look)
	for round := 0; ; round++ {
		swell := 1 + math.Sin(float64(round)/10)
		if err := moveOnce(ctx, alpha, server, client, int64(swell*float64(opts.bytes))); err != nil {
			return err
		}
		if round%10 == 0 {
			if c, err := alpha.net.DialContextTCPAddrPort(ctx, netip.AddrPortFrom(server, httpPort+1)); err == nil {
				c.Close()
			}
		}
		if err := wait(ctx, opts.pause); err != nil {
			return err
		}
	}
}

func moveOnce(ctx context.Context, alpha *node, server netip.Addr, client *http.Client, bytes int64) error {
	if err := download(ctx, client, server, bytes); err != nil {
		return fmt.Errorf("download: %w", err)
	}
	if err := upload(ctx, client, server, bytes/2); err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	if err := ping(ctx, alpha.net, server, pings); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	if err := echo(ctx, alpha.net, alpha.prefix.Addr(), server, datagrams); err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	return nil
}

// settle waits until there is no more traffic, so that both ends have counted the same. A connection that is being
// closed still sends packets, and lost packets are sent again.
func settle(ctx context.Context, alpha, beta *node) error {
	const quiet, steps = 100 * time.Millisecond, 30
	for range steps {
		a, b := alpha.tally.Counts(), beta.tally.Counts()
		if err := wait(ctx, quiet); err != nil {
			return err
		}
		if a == alpha.tally.Counts() && b == beta.tally.Counts() {
			return nil
		}
	}
	return errors.New("the traffic does not end")
}

// wait waits for d, or for the end of ctx.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// size formats n bytes for people.
func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%.3g MiB", float64(n)/(1<<20))
}
