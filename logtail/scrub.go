package logtail

import (
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/go-netlog/netlog/internal/scrub"
)

// origin returns the scheme and host of a URL.
func origin(raw string) string {
	u, err := url.Parse(raw)
	if raw == "" || err != nil || u.Host == "" {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}

// newScrubber returns the scrubber for the secrets of cfg: the IDs, the header values, and
// the path and query of the upload URL, except the collection and what cannot be secret.
func newScrubber(cfg *Config, upload *url.URL) *scrub.Scrubber {
	s := &scrub.Scrubber{}
	for _, id := range []*PrivateID{&cfg.PrivateID, &cfg.CopyPrivateID} {
		if *id != (PrivateID{}) {
			s.Add(hex.EncodeToString(id[:]))
		}
	}
	for name, values := range cfg.Header {
		for _, v := range values {
			s.AddHeader(name, v)
		}
	}
	if cfg.URL != "" {
		s.AddURL(upload)
		return s
	}
	// The collection is not secret, and the IDs were added above.
	s.AddPath(strings.TrimSuffix(upload.EscapedPath(), cfg.Collection+"/"+hex.EncodeToString(cfg.PrivateID[:])))
	return s
}
