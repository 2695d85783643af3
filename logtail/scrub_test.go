package logtail

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	qt "github.com/frankban/quicktest"
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

// scrubberFor returns the scrubber of a Logger with a header value.
func scrubberFor(t testing.TB, value string) *scrubber {
	cfg := Config{Collection: "c", PrivateID: PrivateID{1, 2, 3, 0xab, 0xcd}, Header: http.Header{"X-Key": {value}}}
	upload, err := cfg.uploadURL()
	if err != nil {
		t.Skip(err)
	}
	return newScrubber(&cfg, upload)
}

// TestScrubberHidesPieces checks that any eight bytes or more of a secret hide the text, in
// every notation.
func TestScrubberHidesPieces(t *testing.T) {
	for _, secret := range []string{
		"tok-8f3a91c5d2e7", "abc/def+ghi/jklmnop==", "abc&def<ghi>jklmnop", `abcd"ef\gh'ijklm`, "tab\tand space",
		"%41%2Fbcdefgh", `\u0041\/bcdefgh`, "&amp;&#47;bcdefgh", "a%b\\c&d;e/f?g#h", "p\u00e4ssw\u00f6rd-\U0001f600-x",
		strings.Repeat("SECRETPIECE", 50),
	} {
		s := scrubberFor(t, secret)
		for _, notation := range notations {
			for from := range min(len(secret)-7, 100) {
				for _, to := range []int{from + 8, from + 9, len(secret)} {
					piece := secret[from:min(to, len(secret))]
					if !utf8.ValidString(piece) {
						continue // half of a rune
					}
					if got := s.text("before " + notation.write(piece) + " after"); got != hidden {
						t.Fatalf("%s of %q of %q: %q", notation.name, piece, secret, got)
					}
				}
			}
		}
	}
}

// TestScrubberHidesParts has parts of a request that servers extract before they repeat them.
func TestScrubberHidesParts(t *testing.T) {
	cfg := Config{
		Collection: "production-flows", PrivateID: PrivateID{1}, BaseURL: "https://host.example/t7k9/v1/s3cr3t%2Fkey",
		Header: http.Header{
			"Authorization": {"Basic dXNlcjpodW50ZXIy"}, "Cookie": {"a=1; session=hunter3"}, "X-Digest": {`realm="x", key="hunter4"`},
		},
	}
	upload, err := cfg.uploadURL()
	qt.Assert(t, err, qt.IsNil)
	base := newScrubber(&cfg, upload)
	cfg.URL = "https://host.example/ingest/t8k9/json?key=hunter5&hunter6"
	upload, err = cfg.uploadURL()
	qt.Assert(t, err, qt.IsNil)
	whole := newScrubber(&cfg, upload)
	for _, test := range []struct {
		s          *scrubber
		echo, want string
	}{
		{base, "no user user with password hunter2", hidden},
		{base, "Basic dXNlcjpodW50ZXIy", hidden},
		{base, "no cookie hunter3", hidden},
		{base, "key hunter4", hidden},
		{base, "Cannot POST /t7k9/v1/s3cr3t%2Fkey/c/production-flows/0100", hidden},
		{base, "tenant t7k9: s3cr3t/key", hidden},
		{base, "no collection production-flows at https://host.example", "no collection production-flows at https://host.example"},
		{whole, "no stream t8k9", hidden},
		{whole, "bad key hunter5 or hunter6", hidden},
		{whole, "/ingest/t8k9/json?key=", hidden},
		{whole, "http://user:pw@proxy/", hidden},
	} {
		qt.Check(t, test.s.text(test.echo), qt.Equals, test.want)
	}
}

// TestScrubberShowsOrdinaryWords has errors of servers that name the parts of a URL which are no secrets, and the
// same with parts that may be.
func TestScrubberShowsOrdinaryWords(t *testing.T) {
	const (
		clickHouse   = "https://host.example/?query=INSERT+INTO+netlog.records+FORMAT+JSONEachRow&database=default"
		victoriaLogs = "https://host.example/insert/jsonline?_time_field=start,logtail.client_time&_stream_fields=nodeId&_msg_field=text"
	)
	for _, test := range []struct {
		url, text string
		shown     bool
	}{
		{clickHouse, "Code: 60. DB::Exception: Table netlog.records doesn't exist. (UNKNOWN_TABLE)", true},
		{clickHouse, "Cannot parse input: expected JSONEachRow in database default", true},
		{clickHouse + "&password=swordfish", "no user default with swordfish", false},
		{clickHouse + "&password=swordfish", "Table netlog.records doesn't exist", true},
		{"https://host.example/?query=INSERT+INTO+FUNCTION+url('http://x','swordfish')", "bad swordfish", false},
		{"https://host.example/?query=INSERT%20INTO%20s3(%27swordfish%27)", "bad swordfish", false},
		{"https://host.example/?swordfish", "bad swordfish", false},
		{"https://host.example/?_token=swordfish", "bad swordfish", false},
		{victoriaLogs, "unsupported path requested: /insert/jsonline", true},
		{victoriaLogs, "missing _msg_field: text, stream fields nodeId", true},
		{"https://host.example/loki/api/v1/push", "404 page /loki/api/v1/push not found", true},
		{"https://host.example/services/collector", "no /services/collector here", true},
		{"https://host.example/api/correcthorse/_json", "no organization correcthorse", false}, // 12 letters
		{"https://host.example/api/Swordfish/_json", "no organization Swordfish", false},
		{"https://host.example/api/sword1/_json", "no organization sword1", false},
		{"https://host.example/api/sword-fish/_json", "no organization sword-fish", false},
		{"https://host.example/a1b/2c3/d4e", "no a1b/2c3/d4e", false},
		{"https://host.example/api/a1b/v1/push", "no /api here, only /push", true},
		{"https://host.example/%73word%66ish", "no swordfish", false},
	} {
		cfg := Config{PrivateID: PrivateID{1}, URL: test.url}
		upload, err := cfg.uploadURL()
		qt.Assert(t, err, qt.IsNil)
		want := hidden
		if test.shown {
			want = test.text
		}
		qt.Check(t, newScrubber(&cfg, upload).text(test.text), qt.Equals, want, qt.Commentf(test.url))
	}
}

func FuzzScrub(f *testing.F) {
	f.Add("tok-8f3a91c5d2e7", 2, 10, uint(0), "Bearer abcdefgh")
	f.Add("a/b+c\"d\\e&f%41", 0, 14, uint(3), "http://u:p@h/")
	f.Fuzz(func(t *testing.T, secret string, from, to int, notation uint, text string) {
		secret = strings.TrimSpace(secret)
		s := scrubberFor(t, secret)
		checkNoRun(t, s, text)
		if from < 0 || to > len(secret) || to-from < minRun || !utf8.ValidString(secret[from:to]) {
			return
		}
		n := notations[notation%uint(len(notations))]
		echo := n.write(secret[from:to])
		checkNoRun(t, s, text+echo+text)
		if got := s.text("before " + echo + " after"); got != hidden {
			t.Fatalf("%s of %q: %q", n.name, secret[from:to], got)
		}
	})
}

// checkNoRun checks that text is hidden if it has a run in common with a secret.
func checkNoRun(t *testing.T, s *scrubber, text string) {
	t.Helper()
	left := fold(s.text(text))
	if left == hidden {
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
