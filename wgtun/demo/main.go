// Command demo shows the flow logs of a real WireGuard tunnel, in one process and without privileges: two
// wireguard-go devices over UDP on the loopback interface, each with a network stack in user space, with real
// HTTP, ICMP and UDP between them, a Logger on each end, and a receiver for the records.
//
// It prints what it does, the received records as a table, and whether both ends and the records agree. The exit
// status is 1 if they do not.
//
// With -page it goes on until ^C, and serves a page that shows the traffic in a browser, as `netlog serve` does.
//
//	go run ./wgtun/demo                              # from the root of the repository
//	go run ./wgtun/demo -page                        # to look at it in a browser
//	go run ./wgtun/demo -url http://127.0.0.1:8641   # to a running `netlog serve`
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	url := flag.String("url", "", "send the records to the collector at this base `URL`, instead of one inside the demo")
	page := flag.Bool("page", false, "go on until ^C, and show the traffic on a page in the browser")
	flag.Parse()
	if flag.NArg() > 0 || *page && *url != "" { // another collector has a page of its own
		flag.Usage()
		os.Exit(2)
	}

	// Handle signals until the end, since some supervisors send a signal twice.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	_, err := run(ctx, options{
		out:    os.Stdout,
		url:    *url,
		page:   *page,
		poll:   time.Second,
		rounds: 4,
		pause:  time.Second,
		bytes:  2 << 20,
		grace:  5 * time.Second,
	})
	switch {
	case err != nil && ctx.Err() != nil && !errors.Is(err, errMismatch):
		fmt.Println("\nInterrupted. Everything has been shut down.")
	case err != nil:
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}
