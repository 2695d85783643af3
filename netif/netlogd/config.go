package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/internal/buildinfo"
	"github.com/go-netlog/netlog/logtail"
)

// config is what the command line says.
type config struct {
	interfaces []string
	collector  string
	header     http.Header // with the token
	insecure   bool
	state      string // directory; empty with json
	exit       netlog.ExitPolicy
	subnets    []netip.Prefix
	endpoints  bool   // whether to write the endpoints of peers
	nodes      string // file; may be empty
	json       bool
	period     time.Duration
	ring       int  // bytes; 0 means the default
	gzip       bool // whether to compress uploads with gzip
}

// parseFlags parses the command line. For -h and -version it prints what they ask for to stdout
// and returns flag.ErrHelp.
func parseFlags(args []string, stdout io.Writer) (*config, error) {
	cfg := &config{}
	fs := flag.NewFlagSet("netlogd", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // an error would be lost in the long help
	fs.StringVar(&cfg.collector, "collector", "", "base `URL` of the collector (default the one on this machine)")
	tokenFile := fs.String("token-file", "", "`file` with the token for the collector")
	fs.BoolVar(&cfg.insecure, "insecure", false, "allow plain http to a collector on another machine, for example inside the VPN")
	fs.StringVar(&cfg.state, "state", "", "`directory` of the identity and of what is not sent yet (default that of the service manager, or ~/.local/state/netlogd)")
	fs.Func("exit", "how much to write of exit traffic: `totals`, node or full (default totals)", cfg.setExit)
	fs.Func("subnets", "`prefixes` that this machine offers to others in the VPN, separated by commas", cfg.setSubnets)
	fs.BoolVar(&cfg.endpoints, "endpoints", true, "write the internet addresses of WireGuard peers, in physical traffic and in the events of peers")
	fs.StringVar(&cfg.nodes, "nodes", "", "`file` with an address and a name per line, like /etc/hosts")
	fs.BoolVar(&cfg.json, "json", false, "print the records, one per line, and send nothing")
	fs.DurationVar(&cfg.period, "period", netlog.DefaultPollPeriod, "`length` of a window")
	fs.Func("ring", "`size` of the memory for packets that are not counted yet, such as 32MiB, for each interface. A larger one helps "+
		"if packets are lost (default 8MiB)", cfg.setRing)
	fs.BoolVar(&cfg.gzip, "gzip", false, "compress with gzip, for a server that does not know zstd; netlog serve knows both")
	version := fs.Bool("version", false, "print what netlogd was built from, and end")
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, help)
		fs.SetOutput(stdout)
		fs.PrintDefaults()
	}
	if err != nil {
		return nil, err
	}
	if *version {
		fmt.Fprintln(stdout, "netlogd", buildinfo.Read())
		return nil, flag.ErrHelp
	}
	if err := cfg.setInterfaces(fs.Args()); err != nil {
		return nil, err
	}
	if *tokenFile != "" {
		if err := cfg.readToken(*tokenFile); err != nil {
			return nil, fmt.Errorf("-token-file: %w", err)
		}
	}
	if cfg.state == "" && !cfg.json {
		cfg.state, err = defaultState()
	}
	return cfg, err
}

func (cfg *config) setInterfaces(names []string) error {
	if len(names) == 0 {
		return errors.New("the name of an interface is missing, such as wg0")
	}
	for i, name := range names {
		switch {
		case i > 0 && strings.HasPrefix(name, "-"):
			return fmt.Errorf("%s follows %s, but flags come before interfaces", name, names[i-1])
		case name == "" || name[0] == '-' || name == "." || name == ".." || strings.ContainsAny(name, "/ \t\n"):
			return fmt.Errorf("%q is not the name of an interface", name)
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("the interface %s is given twice", name)
		}
	}
	cfg.interfaces = names
	return nil
}

func (cfg *config) readToken(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	switch fields := strings.Fields(string(text)); len(fields) {
	case 0:
		return fmt.Errorf("%s is empty", path)
	case 1:
		cfg.header = http.Header{"Authorization": {"Bearer " + fields[0]}}
		return nil
	}
	return fmt.Errorf("%s has more than a token", path) // such as the tokens file of the collector
}

// maxRing is the largest ring: the kernel takes one size of less than 4 GiB.
const maxRing = 1 << 10 // MiB

func (cfg *config) setRing(s string) error {
	digits, ok := strings.CutSuffix(s, "MiB")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 || n > maxRing {
		return fmt.Errorf("want a size from 1MiB to %dMiB", maxRing)
	}
	cfg.ring = n << 20
	return nil
}

func (cfg *config) setExit(s string) error {
	switch s {
	case "totals":
		cfg.exit = netlog.ExitTotals
	case "node":
		cfg.exit = netlog.ExitByNode
	case "full":
		cfg.exit = netlog.ExitFull
	default:
		return errors.New("want totals, node or full")
	}
	return nil
}

func (cfg *config) setSubnets(s string) error {
	for text := range strings.SplitSeq(s, ",") {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			return errors.New("want prefixes such as 192.168.7.0/24")
		}
		cfg.subnets = append(cfg.subnets, prefix)
	}
	return nil
}

// defaultState returns the state directory that the service manager made, or one of the user.
func defaultState() (string, error) {
	if dirs := os.Getenv("STATE_DIRECTORY"); dirs != "" { // set by systemd for StateDirectory=
		dir, _, _ := strings.Cut(dirs, ":")
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("-state is needed: %w", err)
	}
	return filepath.Join(home, ".local", "state", "netlogd"), nil
}

// destination says where the records go.
func (cfg *config) destination() string {
	if cfg.json {
		return "and printed"
	}
	u, err := url.Parse(cmp.Or(cfg.collector, logtail.DefaultBaseURL))
	if err != nil {
		return "" // Startup has checked it
	}
	return "and sent to " + u.Scheme + "://" + u.Host // the path may be secret
}

// flagNames replaces the settings in an error of Startup by the flags that set them.
func flagNames() *strings.Replacer {
	return strings.NewReplacer(
		"netlog: Upload: logtail: BaseURL: ", "-collector: ",
		"netlog: Upload: logtail: Header: ", "-token-file: ",
		"netlog: PollPeriod: ", "-period: ",
		"AllowInsecure", "-insecure",
		"Config.Header takes an Authorization", "-token-file takes a token",
	)
}
