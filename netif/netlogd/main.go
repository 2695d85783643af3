// Command netlogd logs the flows of network interfaces that belong to the kernel: kernel WireGuard,
// any other VPN that is already running. See the README of package netif.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/go-netlog/netlog/internal/osfile"
	"github.com/go-netlog/netlog/netif"
)

const help = `Usage: netlogd [flags] INTERFACE...

Counts the packets of each interface by flow, and sends flow logs to a collector:
'netlog serve' on this machine, unless -collector names another.

  netlogd wg0
  netlogd -collector https://logs.example.com -token-file /etc/netlogd.token wg0
  netlogd -json tun0 | jq .

It needs the capability CAP_NET_RAW and, to read the peers of kernel WireGuard,
CAP_NET_ADMIN. It waits for an interface that does not exist yet, and again if the
interface is removed. On SIGTERM, ^C and SIGHUP it sends the last window and ends.
Whatever could not be sent stays in the state directory for the next start. It reads its
files only when it starts. The environment variable SSL_CERT_FILE names the certificates
to trust, if no public authority signed the collector's.

Flags:
`

const (
	exitOK = iota
	exitFailed
	exitUsage
)

func main() {
	signals := []os.Signal{syscall.SIGTERM, os.Interrupt}
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs the command until ctx ends, and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg, err := parseFlags(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	} else if err != nil {
		fmt.Fprintf(stderr, "netlogd: %s; see netlogd -h\n", osfile.Text(err))
		return exitUsage
	}
	logger := log.New(stderr, "netlogd: ", 0) // the service manager adds the time
	if err := serve(ctx, cfg, stdout, logger.Printf); err != nil {
		logger.Print(osfile.Text(err))
		return exitFailed
	}
	return exitOK
}

// serve runs an agent for each interface until ctx ends.
func serve(ctx context.Context, cfg *config, stdout io.Writer, logf func(string, ...any)) (err error) {
	names, err := readNames(cfg.nodes)
	if err != nil {
		return fmt.Errorf("-nodes: %w", err)
	}
	var agents []*agent
	out := &lines{w: stdout, logf: logf}
	defer func() { err = errors.Join(err, stopAll(agents), out.err()) }()
	for _, name := range cfg.interfaces {
		a := &agent{cfg: cfg, name: name, names: names, out: out, logf: logf}
		agents = append(agents, a)
		if err := a.start(); err != nil {
			return err
		}
	}
	return follow(ctx, agents)
}

// follow follows the changes of all interfaces until ctx ends.
func follow(ctx context.Context, agents []*agent) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(agents))
	var group sync.WaitGroup
	for i, a := range agents {
		group.Go(func() {
			defer cancel()
			errs[i] = netif.Follow(ctx, a.name, a.reroute, a.logf)
		})
		group.Go(func() { netif.FollowPeers(ctx, a.name, a.peer) }) // Follow logs what is not permitted
	}
	group.Wait()
	return errors.Join(errs...)
}

// stopAll stops the agents at the same time, so that each has the whole timeout.
func stopAll(agents []*agent) error {
	errs := make([]error, len(agents))
	var group sync.WaitGroup
	for i, a := range agents {
		group.Go(func() { errs[i] = a.stop() })
	}
	group.Wait()
	return errors.Join(errs...)
}
