package logtail

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/go-netlog/netlog/internal/collection"
)

// uploadURL checks cfg and returns where its entries go. An error names the
// field, and shows no URL: it may hold a token where none should be.
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
		u.Path = "/" // or JoinPath makes a path that only String mends
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

// checkHeader checks a header field (RFC 9110, sections 5.5 and 5.6.2). Its
// value is not shown.
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
		return nil, fmt.Errorf("logtail: %s: is not a URL like https://host:8641", field) // err shows it
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("logtail: %s: want http://host or https://host", field)
	case u.Hostname() == "":
		return nil, fmt.Errorf("logtail: %s: has no host", field)
	case u.User != nil:
		return nil, fmt.Errorf("logtail: %s: has a user name or password (Config.Header takes an Authorization)", field)
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return nil, fmt.Errorf("logtail: %s: has a fragment", field)
	case u.Scheme == "http" && !allowInsecure && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("logtail: %s: plain http to another host needs AllowInsecure", field)
	}
	return u, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}

// reserved reports whether a header is the uploader's to set. The last two would
// make net/http send a request twice by itself.
func reserved(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Content-Encoding", "Content-Length", "Orig-Content-Length", "Transfer-Encoding",
		"Connection", "Host", "Trailer", "Upgrade", "Idempotency-Key", "X-Idempotency-Key":
		return true
	}
	return false
}
