package serve

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
)

const help = `Usage: netlog serve [flags]

Takes the flow logs that nodes send to this machine, and stores them in files of
lines: DIR/COLLECTION/DATE.ndjson, older ones compressed. On a terminal it shows
the flows of the last minute, else a line for each record.

  netlog serve
  netlog serve -json | jq .
  netlog serve -addr :8641 -tls-cert cert.pem -tls-key key.pem -tokens tokens.txt

To take logs from other machines it needs TLS and a file of tokens. Its lines are:
the SHA-256 of a token in hexadecimal, a collection, and the public ID of a node or
*. A node sends the token itself, as "Authorization: Bearer TOKEN". A line like

  0a5cac2d6a364c700a14fa9bc9c717423c9e951ee64be5f7c52bb99c3116b826 netlog *

is made, and the token with it, by these two; ID_FILE holds the private ID of a node:

  openssl rand -hex 32 > token
  echo "$(tr -d '\n' < token | sha256sum | cut -c1-64) netlog $(netlog id public ID_FILE)" >> tokens.txt

Flags:
`

// config is what the flags of serve say.
type config struct {
	addr, dir       string
	tlsCert, tlsKey string
	tokens, nodes   string
	metrics         string
	open, known     bool
	json, sync      bool
	maxAge          cli.Age      // 0: for ever
	maxSize         cli.ByteSize // 0, and of the next two: no bound
	minFree, quota  cli.ByteSize
	newNodes        cli.Count
}

// Run is the command serve.
func Run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	var cfg config
	fs := cli.NewFlags("serve")
	cfg.flags(fs)
	if code, done := cli.ParseFlags(fs, help, args, stdout, stderr); done {
		return code
	}
	if fs.NArg() > 0 {
		return cli.Fail(fs, stderr, cli.ExitUsage, fmt.Errorf("takes flags only, not %q", fs.Arg(0)))
	}
	s := &server{cfg: cfg, started: time.Now(), view: newView(stdout, stderr, cfg.json)}
	err := cfg.check()
	if err == nil {
		err = s.readFiles()
	}
	if err != nil {
		return cli.Fail(fs, stderr, cli.ExitUsage, err)
	}
	if err := s.serve(ctx); err != nil {
		return cli.Fail(fs, stderr, cli.ExitFailed, err)
	}
	return cli.ExitOK
}

// flags defines the flags of cfg, with their defaults.
func (cfg *config) flags(fs *flag.FlagSet) {
	cfg.maxAge, cfg.maxSize, cfg.minFree = cli.Age(filestore.DefaultMaxAge), filestore.DefaultMaxBytes, filestore.DefaultMinFree
	cfg.quota, cfg.newNodes = receiver.DefaultQuotaBytes, receiver.DefaultNewIDs
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
	fs.BoolVar(&cfg.sync, "fsync", false, "sync to disk before a request is answered")
	fs.Var(&cfg.maxAge, "max-age", "`how long` entries are kept, in days (30d) or hours (12h); 0: for ever")
	fs.Var(&cfg.maxSize, "max-size", "`bytes` of all files, like 500MB or 10GiB; 0: no bound")
	fs.Var(&cfg.minFree, "min-free", "`bytes` to leave free on the filesystem; 0: none")
	fs.Var(&cfg.quota, "quota", "`bytes` that one node may send an hour, compressed; 0: no bound")
	fs.Var(&cfg.newNodes, "new-nodes", "`number` of nodes not seen since the start that may come in an hour; 0: no bound")
}

// files returns the options of the files.
func (cfg *config) files(logf func(string, ...any)) filestore.Options {
	return filestore.Options{
		MaxAge:   orNoLimit(time.Duration(cfg.maxAge)),
		MaxBytes: orNoLimit(int64(cfg.maxSize)),
		MinFree:  orNoLimit(int64(cfg.minFree)),
		Sync:     cfg.sync,
		Logf:     logf,
	}
}

// limits returns the limits of the handler.
func (cfg *config) limits() receiver.Limits {
	return receiver.Limits{QuotaBytes: orNoLimit(int64(cfg.quota)), NewIDs: orNoLimit(int(cfg.newNodes))}
}

// orNoLimit turns the 0 of a flag into the -1 of the receiver.
func orNoLimit[T int | int64 | time.Duration](n T) T {
	if n == 0 {
		return -1
	}
	return n
}

// leastSize bounds -max-size: less holds no day of any mesh, and is a slip.
const leastSize = 1 << 20 // bytes

// check refuses what contradicts itself, what would delete what is there by a slip,
// and what would let strangers in unasked.
func (cfg *config) check() error {
	if _, _, err := net.SplitHostPort(cfg.addr); err != nil {
		return fmt.Errorf("-addr %s is not an address and a port, like 127.0.0.1:8641 or :8641", cfg.addr)
	}
	switch n := cfg.maxSize; {
	case 0 < n && n < 1000:
		return fmt.Errorf("-max-size is %d bytes; write %[1]dGiB", int64(n))
	case 0 < n && n < leastSize:
		return fmt.Errorf("-max-size is %d bytes; write at least %v", int64(n), cli.ByteSize(leastSize))
	}
	if (cfg.tlsCert == "") != (cfg.tlsKey == "") {
		return errors.New("-tls-cert and -tls-key go together")
	}
	if cfg.known && cfg.nodes == "" {
		return errors.New("-known-only needs -nodes")
	}
	if cfg.metrics != "" && !isLoopback(cfg.metrics) {
		return fmt.Errorf("-metrics %s is not an address of this machine only, like 127.0.0.1:8642", cfg.metrics)
	}
	if cfg.open || isLoopback(cfg.addr) || cfg.tlsCert != "" && cfg.tokens != "" {
		return nil
	}
	return fmt.Errorf("-addr %s is open to the network, and needs -tls-cert, -tls-key and -tokens; "+
		"-open does without, and then everyone who reaches it can send logs, and in plain http read what others send", cfg.addr)
}
