package logtail

import (
	"cmp"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
)

const (
	hidden    = "[hidden]"
	minSecret = 4 // bytes; hiding shorter secrets would hide ordinary words
	minRun    = 8 // bytes that a text may not share with a secret
)

// scrubber hides secrets in texts of the server and of net/http: a server may repeat what it was
// sent, and an error of net/http contains the URL.
type scrubber struct {
	secrets []string // folded
}

// text returns t, or "[hidden]" if t may repeat a secret: if it has 8 consecutive bytes in
// common with one, contains a shorter one, or contains a character that escapes others in
// JSON, URLs or HTML, or that ends the user information of a URL.
func (s *scrubber) text(t string) string {
	if strings.ContainsAny(t, `%\&@+`) {
		return hidden
	}
	folded := fold(t)
	for _, secret := range s.secrets {
		n := min(minRun, len(secret))
		for i := 0; i+n <= len(folded); i++ {
			if strings.Contains(secret, folded[i:i+n]) {
				return hidden
			}
		}
	}
	return t
}

// fold returns t with ASCII letters in lower case, and with a space for the + of a form,
// since servers change these when they repeat a text.
func fold(t string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r | 0x20
		case r == '+':
			return ' '
		}
		return r
	}, t)
}

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
func newScrubber(cfg *Config, upload *url.URL) *scrubber {
	s := &scrubber{}
	for _, id := range []*PrivateID{&cfg.PrivateID, &cfg.CopyPrivateID} {
		if *id != (PrivateID{}) {
			s.add(hex.EncodeToString(id[:]))
		}
	}
	for name, values := range cfg.Header {
		for _, v := range values {
			s.addHeader(name, v)
		}
	}
	path, query := upload.EscapedPath(), upload.RawQuery
	if cfg.URL == "" { // the collection is not secret, and the IDs were added above
		path, query = strings.TrimSuffix(path, cfg.Collection+"/"+hex.EncodeToString(cfg.PrivateID[:])), ""
	}
	s.addPath(path)
	for p := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(p, "=")
		if !isSetting(name, value) {
			s.add(cmp.Or(value, p))
		}
	}
	return s
}

// addPath adds the elements of a path that are not words, and each run of them.
func (s *scrubber) addPath(path string) {
	run := ""
	for element := range strings.SplitSeq(path, "/") {
		if isWord(element) {
			s.add(run)
			run = ""
			continue
		}
		s.add(element)
		run += "/" + element
	}
	s.add(run)
}

// isWord reports whether an element of a path is a word of the API of a server, such as insert or v1, and not
// a key: at most 10 lower-case letters and underscores, or a version.
func isWord(element string) bool {
	const maxWord = 10 // bytes
	if digits, ok := strings.CutPrefix(element, "v"); ok && strings.Trim(digits, "0123456789") == "" {
		return len(digits) <= 2
	}
	return len(element) <= maxWord && strings.Trim(element, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// isSetting reports whether a parameter of a query is one of a documented engine that names columns or
// tables, and so no secret. A quoted string in SQL may be a password.
func isSetting(name, value string) bool {
	switch name {
	case "query", "database", "table", "_msg_field", "_stream_fields", "_time_field":
		plain, err := url.QueryUnescape(value)
		return err == nil && !strings.ContainsAny(plain, "'\"$`")
	}
	return false
}

// addHeader adds the value of a header field and the parts that a server may extract.
func (s *scrubber) addHeader(name, value string) {
	// Cookies, and parameters of any kind.
	for p := range strings.FieldsFuncSeq(value, func(r rune) bool { return strings.ContainsRune(";, ", r) }) {
		_, v, _ := strings.Cut(p, "=")
		s.add(strings.Trim(v, `"`))
	}
	switch http.CanonicalHeaderKey(name) {
	case "Authorization", "Proxy-Authorization":
		r := http.Request{Header: http.Header{"Authorization": {value}}}
		if user, password, ok := r.BasicAuth(); ok {
			s.add(user + ":" + password)
			s.add(user)
			s.add(password)
		}
		// The scheme before the credentials (RFC 9110, section 11.4) is not secret.
		if _, credentials, ok := strings.Cut(strings.TrimSpace(value), " "); ok {
			value = credentials
		}
	}
	s.add(value)
}

// add adds a secret, both as it is and percent-decoded.
func (s *scrubber) add(secret string) {
	secret = strings.TrimSpace(secret)
	if len(secret) < minSecret {
		return
	}
	s.secrets = append(s.secrets, fold(secret))
	if plain, err := url.PathUnescape(secret); err == nil && plain != secret {
		s.add(plain)
	}
}
