package logtail

import (
	"net/http"
	"time"
)

// DefaultBaseURL is the collector on this machine, where `netlog serve` listens.
const DefaultBaseURL = "http://127.0.0.1:8641"

// Format is how the entries of one request are laid out in its body.
type Format uint8

const (
	Array  Format = iota // a JSON array of entries
	NDJSON               // one entry a line, for engines that take lines
)

// Config says what a [Logger] sends, and where. Zero fields mean the defaults
// that they name; only Collection and PrivateID are required.
type Config struct {
	Collection    string    // where the entries belong: [a-zA-Z0-9-_.], 1 to 64 characters, the first alphanumeric
	PrivateID     PrivateID `json:"-"` // the identity entries are sent under, a secret
	CopyPrivateID PrivateID `json:"-"` // sent only when set

	BaseURL            string        // of the collector; empty: DefaultBaseURL
	URL                string        // optional: the whole upload URL instead, for engines with a fixed path
	Format             Format        // of bodies; zero: Array
	DisableCompression bool          // send bodies as they are
	HTTPClient         *http.Client  // nil: a client over NewTransport, closed with the Logger
	Header             http.Header   `json:"-"` // extra request headers, such as Authorization
	Buffer             Buffer        // nil: memory, 8 MiB, which ends with the Logger
	FlushDelay         time.Duration // how long an entry may wait for others to share its request; zero: not at all
	AllowInsecure      bool          // plain http to other hosts than this one

	Logf func(format string, args ...any) // what the uploader has to say; nil: silent
}
