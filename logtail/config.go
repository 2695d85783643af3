package logtail

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// DefaultBaseURL is the collector on this machine, where `netlog serve` listens.
const DefaultBaseURL = "http://127.0.0.1:8641"

// Encoding is the encoding of the entries in the body of a request.
type Encoding uint8

const (
	Array  Encoding = iota // a JSON array of entries, application/json
	NDJSON                 // one entry per line, application/x-ndjson, for engines that take lines
)

// Config says what a [Logger] sends, and where. Zero fields mean the defaults
// that they name; only Collection and PrivateID are required. NewLogger copies
// what it needs of it.
//
// A Config does not show its secrets when it is formatted, logged by slog or encoded as
// JSON: the IDs, the header values, and the path and query of the URLs are left out. But
// package fmt calls no methods on unexported fields. A struct that may be printed should
// hold a Config in an exported field or by pointer.
type Config struct {
	// Collection is where the entries belong: [a-zA-Z0-9-_.], 1 to 64 characters,
	// the first a letter or digit. It may be empty when URL is set.
	Collection string
	// PrivateID is the identity entries are sent under, a secret.
	PrivateID PrivateID `json:"-"`
	// CopyPrivateID is a second identity that the server may file the entries
	// under. Zero: none.
	CopyPrivateID PrivateID `json:"-"`

	// BaseURL is the collector: http or https, optionally with a path. Entries go
	// to BaseURL/c/<collection>/<private ID>. Empty: DefaultBaseURL.
	BaseURL string
	// URL is the whole upload URL, taken as it is instead of BaseURL, for engines
	// with a fixed path. Collection and IDs are not part of it. Empty: not used.
	URL string
	// Encoding is the encoding of request bodies. Zero means Array.
	Encoding Encoding
	// DisableCompression sends bodies as they are, instead of with zstd.
	DisableCompression bool
	// HTTPClient gives its Transport and its Timeout, where that is shorter than
	// the Logger's own. Its redirect policy and cookies are not used, and its idle
	// connections stay its own to close. Nil, or without a Transport: NewTransport,
	// whose connections end with the Logger.
	HTTPClient *http.Client `json:"-"`
	// Header holds extra request headers, such as Authorization. Their values are
	// secrets.
	Header http.Header `json:"-"`
	// Buffer holds the entries until they are delivered. It stays the caller's, to
	// use again or to close after Shutdown. Nil (no nil pointer in it): memory, 8 MiB,
	// which ends with the Logger.
	Buffer Buffer `json:"-"`
	// FlushDelay is how long an entry may wait for others to share its request. A
	// full body, Flush and Shutdown do not wait. Zero: no wait.
	FlushDelay time.Duration
	// AllowInsecure permits plain http to other hosts than this one. The private
	// ID is in the path, so whoever sees the request can write in the node's name.
	// And whoever answers is believed: a captive portal that says 200 to everything
	// takes the entries.
	AllowInsecure bool

	// Logf takes what the Logger has to say: each distinct fault of an outage once
	// (another number in its text makes no other fault), and its end. It is called by
	// the goroutine that uploads, one call at a time, with no lock held: while it
	// hangs, nothing is uploaded. It must not call Shutdown. Nil: silent.
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
