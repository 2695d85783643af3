package scrub

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// notations are the ways in which a server may write a text that it repeats.
var notations = []struct {
	name  string
	write func(string) string
}{
	{"plain", func(s string) string { return s }},
	{"capitals", func(s string) string { return strings.Map(capital, s) }},
	{"JSON", writeJSON},
	{"JSON with escaped slashes", func(s string) string { return strings.ReplaceAll(writeJSON(s), "/", `\/`) }},
	{"%q", func(s string) string { return inside(strconv.Quote(s)) }},
	{"%+q", func(s string) string { return inside(strconv.QuoteToASCII(s)) }},
	{"surrogates", writeUTF16},
	{"query", url.QueryEscape},
	{"path", url.PathEscape},
	{"HTML", html.EscapeString},
	{"JSON in JSON", func(s string) string { return writeJSON(writeJSON(s)) }},
	{"query in HTML in JSON", func(s string) string { return writeJSON(html.EscapeString(url.QueryEscape(s))) }},
}

func capital(r rune) rune {
	if 'a' <= r && r <= 'z' {
		return r - 'a' + 'A'
	}
	return r
}

func inside(quoted string) string { return quoted[1 : len(quoted)-1] }

func writeJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return inside(string(b))
}

// writeUTF16 writes all of s as JSON escapes.
func writeUTF16(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < 0x10000 {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		fmt.Fprintf(&b, `\u%04x\u%04X`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
	}
	return b.String()
}

// scrubberFor returns the scrubber of a request with a header value.
func scrubberFor(value string) *Scrubber {
	s := &Scrubber{}
	s.AddHeader("X-Key", value)
	return s
}

// TestScrubberHidesPieces checks that any eight bytes or more of a secret hide the text, in
// every notation.
func TestScrubberHidesPieces(t *testing.T) {
	for _, secret := range []string{
		"tok-8f3a91c5d2e7", "abc/def+ghi/jklmnop==", "abc&def<ghi>jklmnop", `abcd"ef\gh'ijklm`, "tab\tand space",
		"%41%2Fbcdefgh", `\u0041\/bcdefgh`, "&amp;&#47;bcdefgh", "a%b\\c&d;e/f?g#h", "p\u00e4ssw\u00f6rd-\U0001f600-x",
		strings.Repeat("SECRETPIECE", 50),
	} {
		s := scrubberFor(secret)
		for _, notation := range notations {
			for from := range min(len(secret)-7, 100) {
				for _, to := range []int{from + 8, from + 9, len(secret)} {
					piece := secret[from:min(to, len(secret))]
					if !utf8.ValidString(piece) {
						continue // half of a rune
					}
					if got := s.Text("before " + notation.write(piece) + " after"); got != Hidden {
						t.Fatalf("%s of %q of %q: %q", notation.name, piece, secret, got)
					}
				}
			}
		}
	}
}

func FuzzScrub(f *testing.F) {
	f.Add("tok-8f3a91c5d2e7", 2, 10, uint(0), "Bearer abcdefgh")
	f.Add("a/b+c\"d\\e&f%41", 0, 14, uint(3), "http://u:p@h/")
	f.Fuzz(func(t *testing.T, secret string, from, to int, notation uint, text string) {
		secret = strings.TrimSpace(secret)
		s := scrubberFor(secret)
		checkNoRun(t, s, text)
		if from < 0 || to > len(secret) || to-from < minRun || !utf8.ValidString(secret[from:to]) {
			return
		}
		n := notations[notation%uint(len(notations))]
		echo := n.write(secret[from:to])
		checkNoRun(t, s, text+echo+text)
		if got := s.Text("before " + echo + " after"); got != Hidden {
			t.Fatalf("%s of %q: %q", n.name, secret[from:to], got)
		}
	})
}

// checkNoRun checks that text is hidden if it has a run in common with a secret.
func checkNoRun(t *testing.T, s *Scrubber, text string) {
	t.Helper()
	left := fold(s.Text(text))
	if left == Hidden {
		return
	}
	for _, secret := range s.secrets {
		n := min(minRun, len(secret))
		for i := 0; i+n <= len(secret); i++ {
			if strings.Contains(left, secret[i:i+n]) {
				t.Fatalf("%q shows %q", left, secret[i:i+n])
			}
		}
	}
}
