package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/logtail/receiver"
)

const serveHelp = `Usage: netlog serve [flags]

Takes the flow logs that nodes send to this machine, and stores them in files of
lines: DIR/COLLECTION/DATE.ndjson, older ones compressed. On a terminal it shows
the flows of the last minute, else a line for each record.

  netlog serve
  netlog serve -json | jq .
  netlog serve -addr :8641 -tls-cert cert.pem -tls-key key.pem -tokens tokens.txt

To take logs from other machines it needs TLS and a file of tokens. Its lines are:
the SHA-256 of a token in hexadecimal, a collection, and the public ID of a node or
*. A node sends the token itself, as "Authorization: Bearer TOKEN".

Flags:
`

// serveConfig is what the flags of serve say.
type serveConfig struct {
	addr, dir       string
	tlsCert, tlsKey string
	tokens, nodes   string
	metrics         string
	open, known     bool
	json            bool
	files           receiver.FileOptions
	limits          receiver.Limits
}

// runServe is the command serve.
func runServe(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var cfg serveConfig
	fs := flag.NewFlagSet("netlog serve", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // the help is long, and would carry the error out of sight
	cfg.flags(fs)
	switch err := fs.Parse(args); {
	case err == flag.ErrHelp:
		fmt.Fprint(stdout, serveHelp)
		fs.SetOutput(stdout)
		fs.PrintDefaults()
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "netlog serve: %v; netlog serve -h tells the flags\n", err)
		return exitUsage
	case fs.NArg() > 0:
		fmt.Fprintf(stderr, "netlog serve: takes flags only, not %q\n", fs.Arg(0))
		return exitUsage
	}
	if err := cfg.check(); err != nil {
		fmt.Fprintf(stderr, "netlog serve: %v\n", err)
		return exitUsage
	}
	if err := serve(ctx, cfg, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "netlog serve: %v\n", err)
		return exitFindings
	}
	return exitOK
}

// flags defines the flags of cfg.
func (cfg *serveConfig) flags(fs *flag.FlagSet) {
	fs.StringVar(&cfg.addr, "addr", "127.0.0.1:8641", "`address` to listen on")
	fs.StringVar(&cfg.dir, "dir", "flows", "`directory` to store in")
	fs.StringVar(&cfg.tlsCert, "tls-cert", "", "`file` of the certificate and its chain, PEM; read again when it changes")
	fs.StringVar(&cfg.tlsKey, "tls-key", "", "`file` of its key, PEM")
	fs.StringVar(&cfg.tokens, "tokens", "", "`file` of who may send; read again when it changes")
	fs.BoolVar(&cfg.open, "open", false, "do without TLS or -tokens on an address that others can reach")
	fs.StringVar(&cfg.nodes, "nodes", "", "`file` with names of nodes, a public ID and a name a line; read again when it changes")
	fs.BoolVar(&cfg.known, "known-only", false, "take logs only from nodes in the -nodes file")
	fs.BoolVar(&cfg.json, "json", false, "print the entries as they are stored, one a line")
	fs.StringVar(&cfg.metrics, "metrics", "", "loopback `address` for metrics in Prometheus text format, at /metrics")
	fs.BoolVar(&cfg.files.Sync, "fsync", false, "sync to disk before a request is answered")
	cfg.files.MaxAge = receiver.DefaultMaxAge
	fs.Func("max-age", "`how long` entries are kept, in days (30d) or hours (12h); 0: for ever (default 30d)", func(s string) (err error) {
		cfg.files.MaxAge, err = parseAge(s)
		return err
	})
	fs.Func("max-size", "`bytes` of all files, like 500MB or 10GiB; 0: no bound (default 10GiB)", sizeVar(&cfg.files.MaxBytes))
	fs.Func("min-free", "`bytes` to leave free on the filesystem; 0: none (default 256MiB)", sizeVar(&cfg.files.MinFree))
	fs.Func("quota", "`bytes` that one node may send an hour, compressed; 0: no bound (default 12MiB)", sizeVar(&cfg.limits.QuotaBytes))
	fs.Func("new-nodes", "`number` of nodes not seen since the start that may come in an hour; 0: no bound (default 1000)", func(s string) error {
		n, err := strconv.ParseUint(s, 10, 31)
		if err != nil {
			return errors.New("want a whole number")
		}
		cfg.limits.NewIDs = orNoLimit(int(n))
		return nil
	})
}

// orNoLimit turns the 0 of a flag into the -1 of the receiver.
func orNoLimit[T int | int64 | time.Duration](n T) T {
	if n == 0 {
		return -1
	}
	return n
}

// check refuses what contradicts itself, and what would let strangers in unasked.
func (cfg *serveConfig) check() error {
	if _, _, err := net.SplitHostPort(cfg.addr); err != nil {
		return fmt.Errorf("-addr %s is not an address and a port, like 127.0.0.1:8641 or :8641", flowtable.Clean(cfg.addr))
	}
	if (cfg.tlsCert == "") != (cfg.tlsKey == "") {
		return errors.New("-tls-cert and -tls-key go together")
	}
	if cfg.known && cfg.nodes == "" {
		return errors.New("-known-only needs -nodes")
	}
	if cfg.metrics != "" && !isLoopback(cfg.metrics) {
		return fmt.Errorf("-metrics %s is not an address of this machine only, like 127.0.0.1:8642", flowtable.Clean(cfg.metrics))
	}
	if cfg.open || isLoopback(cfg.addr) || cfg.tlsCert != "" && cfg.tokens != "" {
		return nil
	}
	return fmt.Errorf("-addr %s is open to the network, and needs -tls-cert, -tls-key and -tokens; "+
		"-open does without, and then everyone who reaches it can send logs, and in plain http read what others send", flowtable.Clean(cfg.addr))
}

// sizeVar returns a flag function that sets n to a number of bytes.
func sizeVar(n *int64) func(string) error {
	return func(s string) error {
		size, err := parseSize(s)
		*n = orNoLimit(size)
		return err
	}
}

// parseSize reads a number of bytes with an optional unit.
func parseSize(s string) (int64, error) {
	units := []struct {
		suffix string
		bytes  int64
	}{
		{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
		{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1},
	}
	for _, u := range units {
		digits, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 63)
		if err != nil || int64(n) > (1<<63-1)/u.bytes {
			break
		}
		return int64(n) * u.bytes, nil
	}
	return 0, errors.New("want a number of bytes, like 500MB or 10GiB")
}

// parseAge reads a time in days or in units like those of Go.
func parseAge(s string) (time.Duration, error) {
	if s == "0" {
		return -1, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return orNoLimit(time.Duration(n) * 24 * time.Hour), nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, errors.New("want days or hours, like 30d or 12h")
	}
	return orNoLimit(d), nil
}
