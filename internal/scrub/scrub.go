// Package scrub hides secrets in texts of servers and of net/http: a server may repeat what it was
// sent, and an error of net/http contains the URL.
package scrub

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
)

// Hidden stands for a text that is not shown.
const Hidden = "[hidden]"

const (
	minSecret = 4 // bytes; hiding shorter secrets would hide ordinary words
	minRun    = 8 // bytes that a text may not share with a secret
)

// Scrubber knows the secrets of a request. The zero Scrubber knows none. Other structs hold it by
// pointer, so that fmt does not print the secrets. It is safe for concurrent use as long as nothing is
// added.
type Scrubber struct {
	secrets []string // folded
}

// Text returns t, or Hidden if t may repeat a secret: if it has 8 consecutive bytes in common
// with one, contains a shorter one, or contains a character that escapes others in JSON, URLs
// or HTML, or that ends the user information of a URL.
func (s *Scrubber) Text(t string) string {
	if strings.ContainsAny(t, `%\&@`) {
		return Hidden
	}
	folded := fold(t)
	for _, secret := range s.secrets {
		n := min(minRun, len(secret))
		for i := 0; i+n <= len(folded); i++ {
			if strings.Contains(secret, folded[i:i+n]) {
				return Hidden
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

// AddURL adds the path and query of a URL, except what cannot be secret.
func (s *Scrubber) AddURL(u *url.URL) {
	s.AddPath(u.EscapedPath())
	for p := range strings.SplitSeq(u.RawQuery, "&") {
		name, value, _ := strings.Cut(p, "=")
		if !isSetting(name, value) {
			s.Add(cmp.Or(value, p))
		}
	}
}

// AddPath adds the elements of an escaped path that are not words, and each run of them.
func (s *Scrubber) AddPath(path string) {
	run := ""
	for element := range strings.SplitSeq(path, "/") {
		if isWord(element) {
			s.Add(run)
			run = ""
			continue
		}
		s.Add(element)
		run += "/" + element
	}
	s.Add(run)
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

// AddHeader adds the value of a header field and the parts that a server may extract.
func (s *Scrubber) AddHeader(name, value string) {
	// Cookies, and parameters of any kind.
	for p := range strings.FieldsFuncSeq(value, func(r rune) bool { return strings.ContainsRune(";, ", r) }) {
		_, v, _ := strings.Cut(p, "=")
		s.Add(strings.Trim(v, `"`))
	}
	switch http.CanonicalHeaderKey(name) {
	case "Authorization", "Proxy-Authorization":
		r := http.Request{Header: http.Header{"Authorization": {value}}}
		if user, password, ok := r.BasicAuth(); ok {
			s.Add(user + ":" + password)
			s.Add(user)
			s.Add(password)
		}
		// The scheme before the credentials (RFC 9110, section 11.4) is not secret.
		if _, credentials, ok := strings.Cut(strings.TrimSpace(value), " "); ok {
			value = credentials
		}
	}
	s.Add(value)
}

// Add adds a secret, both as it is and percent-decoded.
func (s *Scrubber) Add(secret string) {
	secret = strings.TrimSpace(secret)
	if len(secret) < minSecret {
		return
	}
	s.secrets = append(s.secrets, fold(secret))
	if plain, err := url.PathUnescape(secret); err == nil && plain != secret {
		s.Add(plain)
	}
}
