package logtail

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-netlog/netlog/internal/collection"
	"github.com/go-netlog/netlog/internal/hosts"
)

// DefaultBaseURL is the collector on this machine, at the address of "netlog serve".
const DefaultBaseURL = "http://127.0.0.1:8641"

// Encoding is the encoding of the entries in the body of a request.
type Encoding uint8

const (
	Array  Encoding = iota // a JSON array of entries, application/json
	NDJSON                 // one entry per line, application/x-ndjson, for engines that take lines
)

// Config is the configuration of a [Logger]. PrivateID is required, and so is Collection
// unless URL is set. Any other zero field means the default in its comment. NewLogger copies
// what it needs.
//
// A Config does not show its secrets when it is formatted, logged by slog or encoded as
// JSON: the IDs, the header values, and the path and query of the URLs are left out. But
// package fmt calls no methods on unexported fields. A struct that may be printed should
// hold a Config in an exported field or by pointer.
type Config struct {
	// Collection is the collection of the entries: 1 to 64 characters of [a-zA-Z0-9-_.],
	// the first a letter or digit. It may be empty if URL is set.
	Collection string
	// PrivateID is the secret identity under which entries are sent.
	PrivateID PrivateID `json:"-"`
	// CopyPrivateID is a second identity under which the server may file the entries. It
	// is not sent if it is zero.
	CopyPrivateID PrivateID `json:"-"`

	// BaseURL is the http or https URL of the collector. It may have a path. Entries are
	// sent to BaseURL/c/<collection>/<private ID>. Empty means DefaultBaseURL.
	BaseURL string
	// URL is the whole upload URL, for log servers with a fixed path. If it is set, BaseURL is
	// not used, and neither the collection nor the IDs are sent.
	URL string
	// Encoding is the encoding of request bodies. Zero means Array.
	Encoding Encoding
	// DisableCompression disables the compression of bodies.
	DisableCompression bool
	// Gzip compresses bodies with gzip instead of zstd, for log servers that do not know zstd.
	Gzip bool
	// HTTPClient provides the Transport, and the Timeout if it is shorter than the
	// Logger's own. Its redirect policy and cookies are not used, and the Logger does not
	// close its idle connections. If it is nil or has no Transport, the Logger uses
	// NewTransport and closes its connections.
	HTTPClient *http.Client `json:"-"`
	// Header holds additional request headers, such as Authorization. Their values are
	// treated as secrets.
	Header http.Header `json:"-"`
	// Buffer holds the entries until they are delivered. It belongs to the caller, who may
	// use it again or close it after Shutdown. If it is nil, the Logger makes a memory
	// buffer of 8 MiB.
	Buffer Buffer `json:"-"`
	// FlushDelay is how long an entry may wait for others to share its request. A full
	// body, Flush and Shutdown do not wait. Zero means no delay.
	FlushDelay time.Duration
	// AllowInsecure permits plain http to hosts other than this one. The path contains the
	// private ID, so anyone who sees the request can write in the name of the node. The
	// server is not authenticated either: if a captive portal answers 200, the entries are
	// lost.
	AllowInsecure bool

	// Logf is called once for each distinct fault of an outage, and once at its end. Faults
	// whose texts differ only in numbers are not distinct. The uploading goroutine calls
	// it, one call at a time and without holding a lock. Nothing is uploaded while it
	// hangs. It must not call Shutdown. It may be nil.
	Logf func(format string, args ...any) `json:"-"`
}

// shown holds the settings of a Config that are not secret.
type shown struct {
	Collection         string        `json:",omitzero"`
	PublicID           string        `json:",omitzero"`
	BaseURL            string        `json:",omitzero"`
	URL                string        `json:",omitzero"`
	Encoding           Encoding      `json:",omitzero"`
	DisableCompression bool          `json:",omitzero"`
	Gzip               bool          `json:",omitzero"`
	FlushDelay         time.Duration `json:",omitzero"`
	AllowInsecure      bool          `json:",omitzero"`
}

func (cfg Config) shown() shown {
	s := shown{
		Collection:         cfg.Collection,
		BaseURL:            origin(cfg.BaseURL),
		URL:                origin(cfg.URL),
		Encoding:           cfg.Encoding,
		DisableCompression: cfg.DisableCompression,
		Gzip:               cfg.Gzip,
		FlushDelay:         cfg.FlushDelay,
		AllowInsecure:      cfg.AllowInsecure,
	}
	if cfg.PrivateID != (PrivateID{}) {
		s.PublicID = cfg.PrivateID.String()
	}
	return s
}

// Format implements [fmt.Formatter]. For every verb it writes the settings that are not
// secret.
func (cfg Config) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, "logtail.Config%+v", cfg.shown())
}

// LogValue implements [slog.LogValuer] like Format.
func (cfg Config) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(cfg)) }

// MarshalJSON encodes the settings that are not secret, for people to read.
func (cfg Config) MarshalJSON() ([]byte, error) { return json.Marshal(cfg.shown()) }

// uploadURL checks cfg and returns the URL to upload to. An error names the field. It does not
// contain the URL, since a wrong URL may contain a token anywhere.
func (cfg *Config) uploadURL() (*url.URL, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.URL != "" {
		return parseURL("URL", cfg.URL, cfg.AllowInsecure)
	}
	u, err := parseURL("BaseURL", cmp.Or(cfg.BaseURL, DefaultBaseURL), cfg.AllowInsecure)
	if err != nil {
		return nil, err
	}
	if u.RawQuery != "" || u.ForceQuery {
		return nil, errors.New("logtail: BaseURL: has a query (Config.URL takes one)")
	}
	if u.Path == "" {
		u.Path = "/" // otherwise JoinPath makes a path without a slash at its beginning
	}
	u = u.JoinPath("c", cfg.Collection, hex.EncodeToString(cfg.PrivateID[:]))
	if cfg.CopyPrivateID != (PrivateID{}) {
		u.RawQuery = "copyId=" + hex.EncodeToString(cfg.CopyPrivateID[:])
	}
	return u, nil
}

func (cfg *Config) check() error {
	switch {
	case cfg.PrivateID == PrivateID{}:
		return errors.New("logtail: PrivateID: is not set")
	case cfg.Encoding > NDJSON:
		return fmt.Errorf("logtail: Encoding: unknown value %d", cfg.Encoding)
	case cfg.Gzip && cfg.DisableCompression:
		return errors.New("logtail: Gzip: DisableCompression is set too")
	case cfg.FlushDelay < 0:
		return fmt.Errorf("logtail: FlushDelay: %v is negative", cfg.FlushDelay)
	}
	if cfg.Collection != "" || cfg.URL == "" {
		if err := collection.Check(cfg.Collection); err != nil {
			return fmt.Errorf("logtail: Collection %q: %w", cfg.Collection, err)
		}
	}
	for name, values := range cfg.Header {
		if err := checkHeader(name, values); err != nil {
			return fmt.Errorf("logtail: Header %q: %w", name, err)
		}
	}
	return nil
}

// checkHeader checks a header field (RFC 9110, sections 5.5 and 5.6.2). The error does not
// contain its value.
func checkHeader(name string, values []string) error {
	const symbols = "!#$%&'*+-.^_`|~"
	for i := range len(name) {
		c := name[i]
		if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || strings.IndexByte(symbols, c) >= 0) {
			return errors.New("is not a header name")
		}
	}
	if name == "" {
		return errors.New("is not a header name")
	}
	if reserved(name) {
		return errors.New("is set by the uploader")
	}
	for _, v := range values {
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return errors.New("has a control character in its value")
		}
	}
	return nil
}

func parseURL(field, raw string, allowInsecure bool) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, fmt.Errorf("logtail: %s: is not a URL like https://host:8641", field) // err contains the URL
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("logtail: %s: want http://host or https://host", field)
	case u.Hostname() == "":
		return nil, fmt.Errorf("logtail: %s: has no host", field)
	case u.User != nil:
		return nil, fmt.Errorf("logtail: %s: has a user name or password (Config.Header takes an Authorization)", field)
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return nil, fmt.Errorf("logtail: %s: has a fragment", field)
	case u.Scheme == "http" && !allowInsecure && !hosts.IsLocal(u.Hostname()):
		return nil, fmt.Errorf("logtail: %s: plain http to another host needs AllowInsecure", field)
	}
	return u, nil
}

// reserved reports whether callers cannot set a header. With one of the last two, net/http
// would send a request twice by itself.
func reserved(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Content-Encoding", "Content-Length", "Orig-Content-Length", "Transfer-Encoding",
		"Connection", "Host", "Trailer", "Upgrade", "Idempotency-Key", "X-Idempotency-Key":
		return true
	}
	return false
}
