package logtail

import (
	"encoding/hex"
	"net/url"
	"strings"
)

const (
	hidden    = "[hidden]"
	minSecret = 4  // bytes: what is shorter hides nothing, and would blot out ordinary words
	minPiece  = 16 // hexadecimal digits of an ID that are enough to hide them
)

// scrubber takes secrets out of texts that come from elsewhere: an error of
// net/http names the URL, a server may echo what it was sent.
type scrubber struct {
	ids   []string // in lower-case hexadecimal digits
	words []string // header values and parts of the upload URL
}

func newScrubber(cfg *Config, upload *url.URL) *scrubber {
	s := &scrubber{}
	for _, id := range []PrivateID{cfg.PrivateID, cfg.CopyPrivateID} {
		if id != (PrivateID{}) {
			s.ids = append(s.ids, hex.EncodeToString(id[:]))
		}
	}
	for _, values := range cfg.Header {
		for _, v := range values {
			s.hide(v)
			if _, token, ok := strings.Cut(v, " "); ok { // "Bearer <token>"
				s.hide(token)
			}
		}
	}
	s.hide(upload.String())
	if cfg.URL != "" { // a path that the caller gave may be the secret
		s.hide(upload.RequestURI())
		s.hide(upload.Path)
		s.hide(upload.RawQuery)
		for _, values := range upload.Query() {
			for _, v := range values {
				s.hide(v)
			}
		}
	}
	return s
}

func (s *scrubber) hide(word string) {
	word = strings.TrimSpace(word)
	if len(word) < minSecret {
		return
	}
	s.words = append(s.words, word)
	if q := url.QueryEscape(word); q != word {
		s.words = append(s.words, q)
	}
}

// text returns t without secrets.
func (s *scrubber) text(t string) string {
	for _, w := range s.words {
		t = replaceFold(t, w, hidden)
	}
	t = s.withoutIDs(t)
	return withoutUserinfo(t)
}

// withoutIDs hides each run of hexadecimal digits that shows a piece of an ID.
func (s *scrubber) withoutIDs(t string) string {
	var b strings.Builder
	for len(t) > 0 {
		n := strings.IndexFunc(t, isHex)
		if n < 0 {
			break
		}
		end := strings.IndexFunc(t[n:], func(r rune) bool { return !isHex(r) })
		if end < 0 {
			end = len(t) - n
		}
		run := t[n : n+end]
		b.WriteString(t[:n])
		if s.showsID(strings.ToLower(run)) {
			run = hidden
		}
		b.WriteString(run)
		t = t[n+end:]
	}
	return b.String() + t
}

func (s *scrubber) showsID(digits string) bool {
	for i := 0; i+minPiece <= len(digits); i++ {
		for _, id := range s.ids {
			if strings.Contains(id, digits[i:i+minPiece]) {
				return true
			}
		}
	}
	return false
}

func isHex(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'f' || 'A' <= r && r <= 'F'
}

// withoutUserinfo hides what stands before the @ of a URL in t, such as the
// password of a proxy.
func withoutUserinfo(t string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(t, "://")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		b.WriteString("://")
		end := strings.IndexAny(after, "/?# \"'")
		if end < 0 {
			end = len(after)
		}
		if at := strings.LastIndexByte(after[:end], '@'); at >= 0 {
			b.WriteString(hidden)
			after = after[at:]
		}
		t = after
	}
}

// replaceFold replaces old in t, ASCII letters of either case alike.
func replaceFold(t, old, with string) string {
	var b strings.Builder
	for i := 0; i+len(old) <= len(t); {
		if strings.EqualFold(t[i:i+len(old)], old) {
			b.WriteString(t[:i])
			b.WriteString(with)
			t, i = t[i+len(old):], 0
			continue
		}
		i++
	}
	return b.String() + t
}

// origin returns what of a URL may be shown.
func origin(raw string) string {
	u, err := url.Parse(raw)
	if raw == "" || err != nil || u.Host == "" {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}
