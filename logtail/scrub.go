package logtail

import (
	"net/url"
	"strings"
)

const (
	hidden    = "[hidden]"
	minSecret = 4 // bytes; hiding shorter secrets would hide ordinary words
	minRun    = 8 // bytes that a text may not share with a secret
)

// scrubber hides secrets in texts from elsewhere: an error of net/http contains the URL, and
// a server may repeat what it was sent.
type scrubber struct {
	secrets []string // folded
}

// text returns t, or "[hidden]" if t may repeat a secret. That is so if it shares 8 bytes
// in a row with one, contains a shorter one, or contains a character that escapes others
// in JSON, URLs or HTML, or that ends the user information of a URL.
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
