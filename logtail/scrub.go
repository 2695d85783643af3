package logtail

import (
	"net/url"
	"strings"
)

const (
	hidden     = "[hidden]"
	minSecret  = 4 // bytes: what is shorter hides nothing, and would blot out ordinary words
	minRun     = 8 // bytes in common with a secret that are hidden; all of a shorter secret
	maxEscapes = 3 // notations on top of each other that are seen through
)

// scrubber takes secrets out of texts that come from elsewhere: an error of
// net/http names the URL, a server may echo what it was sent.
//
// It hides each run of bytes that a text has in common with a secret, in whatever
// notation: so a piece of a secret is hidden like the whole, wherever it was cut.
type scrubber struct {
	secrets []string // folded
}

// text returns t without secrets.
func (s *scrubber) text(t string) string {
	secret := make([]bool, len(t))
	s.mark(secret, newView(t), maxEscapes)
	var b strings.Builder
	for i := range len(t) {
		switch {
		case !secret[i]:
			b.WriteByte(t[i])
		case i == 0 || !secret[i-1]:
			b.WriteString(hidden)
		}
	}
	return b.String()
}

// mark notes in secret which bytes of the original of v are to be hidden. levels is
// how many notations v may be written in.
func (s *scrubber) mark(secret []bool, v view, levels int) {
	folded := fold(v.text)
	for _, word := range s.secrets {
		n := min(minRun, len(word))
		for i := 0; i+n <= len(folded); i++ {
			if strings.Contains(word, folded[i:i+n]) {
				v.mark(secret, i, i+n)
			}
		}
	}
	markUserinfo(secret, v)
	if levels == 0 {
		return
	}
	for _, escape := range []unescaper{backslash, percent, entity} {
		if plain, ok := v.unescape(escape); ok {
			s.mark(secret, plain, levels-1)
		}
	}
}

// markUserinfo marks what stands before the @ of a URL in v, such as the password
// of a proxy.
func markUserinfo(secret []bool, v view) {
	for from := 0; ; {
		i := strings.Index(v.text[from:], "://")
		if i < 0 {
			return
		}
		from += i + len("://")
		authority := v.text[from:]
		if end := strings.IndexAny(authority, "/?# \"'"); end >= 0 {
			authority = authority[:end]
		}
		if at := strings.LastIndexByte(authority, '@'); at >= 0 {
			v.mark(secret, from, from+at)
		}
	}
}

// fold returns t with what servers change in an echo made alike: ASCII letters of
// either case, and a space and the + of a form.
func fold(t string) string {
	b := []byte(t)
	for i, c := range b {
		switch {
		case 'A' <= c && c <= 'Z':
			b[i] = c | 0x20
		case c == '+':
			b[i] = ' '
		}
	}
	return string(b)
}

// origin returns what of a URL may be shown.
func origin(raw string) string {
	u, err := url.Parse(raw)
	if raw == "" || err != nil || u.Host == "" {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}
