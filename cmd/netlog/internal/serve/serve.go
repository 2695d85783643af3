// Package serve is the command netlog serve.
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

Receives the flow logs that nodes send to this machine, and stores them in files of
lines: DIR/COLLECTION/DATE.NUMBER.ndjson, compressed once they are finished. On a
terminal it shows the flows of the last minute, otherwise a line for each record.
A page at http://127.0.0.1:8642/ shows the last hour. Every user of this machine can
read it.

  netlog serve
  netlog serve -json | jq .
  netlog serve -addr :8641 -tls-cert cert.pem -tls-key key.pem -tokens tokens.txt

To receive logs from other machines, it needs TLS and a file of tokens. Each line of
the file has the SHA-256 of a token in hexadecimal, a collection, and the public ID of
a node or *. A node sends the token itself, as "Authorization: Bearer TOKEN". A line
such as

  0a5cac2d6a364c700a14fa9bc9c717423c9e951ee64be5f7c52bb99c3116b826 netlog *

and its token are made by these commands, where ID_FILE holds the private ID of a node:

  openssl rand -hex 32 > token
  echo "$(tr -d '\n' < token | sha256sum | cut -c1-64) netlog $(netlog id public ID_FILE)" >> tokens.txt

Flags:
`

// config holds the flags of serve.
type config struct {
	addr, dir       string
	tlsCert, tlsKey string
	tokens, nodes   string
	ui              string
	open, known     bool
	json, quiet     bool
	sync            bool
	maxAge          cli.Age      // 0: forever
	maxSize         cli.ByteSize // 0: no limit, here and in the next two
	minFree, quota  cli.ByteSize
	newNodes        cli.Count
}

// Run runs the command serve.
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
	if cfg.quiet {
		s.view.quiet, s.view.live = true, false
	}
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
	cfg.maxAge, cfg.maxSize, cfg.minFree = cli.Age(filestore.DefaultMaxAge), filestore.DefaultMaxBytes, filestore.DefaultMinFreeBytes
	cfg.quota, cfg.newNodes = receiver.DefaultMaxBytesPerHour, receiver.DefaultMaxNewIDsPerHour
	fs.StringVar(&cfg.addr, "addr", "127.0.0.1:8641", "`address` to listen on")
	fs.StringVar(&cfg.dir, "dir", "flows", "`directory` to store in")
	fs.StringVar(&cfg.tlsCert, "tls-cert", "", "PEM `file` with the certificate and its chain; read again when it changes")
	fs.StringVar(&cfg.tlsKey, "tls-key", "", "PEM `file` with the key of the certificate")
	fs.StringVar(&cfg.tokens, "tokens", "", "`file` that lists who may send; read again when it changes")
	fs.BoolVar(&cfg.open, "open", false, "allow an address that others can reach without TLS or -tokens")
	fs.StringVar(&cfg.nodes, "nodes", "", "`file` with a public ID and a name per line; read again when it changes")
	fs.BoolVar(&cfg.known, "known-only", false, "accept only the nodes in the -nodes file")
	fs.BoolVar(&cfg.json, "json", false, "print the entries as they are stored, one per line")
	fs.BoolVar(&cfg.quiet, "quiet", false, "print no line or table of what is stored, only what the operator must know")
	fs.StringVar(&cfg.ui, "ui", defaultUI, "loopback `address` of the page, and of Prometheus metrics at /metrics (off: none)")
	fs.BoolVar(&cfg.sync, "fsync", false, "sync to disk before answering a request")
	fs.Var(&cfg.maxAge, "max-age", "delete the files of a day (UTC) this `time` after its end, such as 30d or 12h (0: keep forever)")
	fs.Var(&cfg.maxSize, "max-size", "delete the oldest files beyond this `size` of all, such as 500MB or 10GiB (0: no limit)")
	fs.Var(&cfg.minFree, "min-free", "stop storing below this `size` of free space (0: no limit)")
	fs.Var(&cfg.quota, "quota", "uncompressed `size` that one node may send per hour (0: no limit)")
	fs.Var(&cfg.newNodes, "new-nodes", "`number` of new nodes accepted per hour (0: no limit)")
}

// files returns the options of the files.
func (cfg *config) files(logf func(string, ...any)) filestore.Options {
	return filestore.Options{
		MaxAge:       orNoLimit(time.Duration(cfg.maxAge)),
		MaxBytes:     orNoLimit(int64(cfg.maxSize)),
		MinFreeBytes: orNoLimit(int64(cfg.minFree)),
		Sync:         cfg.sync,
		Logf:         logf,
	}
}

// limits returns the limits of the handler.
func (cfg *config) limits() receiver.Limits {
	return receiver.Limits{MaxBytesPerHour: orNoLimit(int64(cfg.quota)), MaxNewIDsPerHour: orNoLimit(int(cfg.newNodes))}
}

// orNoLimit turns 0, which means no limit in a flag, into the -1 of package receiver.
func orNoLimit[T int | int64 | time.Duration](n T) T {
	if n == 0 {
		return -1
	}
	return n
}

// leastSize is the least -max-size. A smaller one is a mistake, as it holds not even a day.
const leastSize = 1 << 20 // bytes

// check rejects flags that contradict each other, that would delete stored files by mistake,
// or that would let strangers in.
func (cfg *config) check() error {
	if _, _, err := net.SplitHostPort(cfg.addr); err != nil {
		return fmt.Errorf("-addr %s is not an address and a port, like 127.0.0.1:8641 or :8641", cfg.addr)
	}
	if cfg.dir == "" {
		return errors.New("-dir is empty; name the directory to store in, such as flows")
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
	if cfg.quiet && cfg.json {
		return errors.New("-quiet prints no entries, and -json prints them: choose one")
	}
	if cfg.known && cfg.nodes == "" {
		return errors.New("-known-only needs -nodes")
	}
	if cfg.ui != "off" && !isLoopback(cfg.ui) {
		return fmt.Errorf("-ui %s is not an address of this machine only, like %s, and not off", cfg.ui, defaultUI)
	}
	if cfg.open || isLoopback(cfg.addr) || cfg.tlsCert != "" && cfg.tokens != "" {
		return nil
	}
	return fmt.Errorf("-addr %s is open to the network, and needs -tls-cert, -tls-key and -tokens; "+
		"with -open instead, everyone who reaches it can send logs, and read what others send in plain http", cfg.addr)
}
