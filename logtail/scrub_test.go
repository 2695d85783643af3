package logtail

import (
	"net/http"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/scrub"
)

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
		s          *scrub.Scrubber
		echo, want string
	}{
		{base, "no user user with password hunter2", scrub.Hidden},
		{base, "Basic dXNlcjpodW50ZXIy", scrub.Hidden},
		{base, "no cookie hunter3", scrub.Hidden},
		{base, "key hunter4", scrub.Hidden},
		{base, "Cannot POST /t7k9/v1/s3cr3t%2Fkey/c/production-flows/0100", scrub.Hidden},
		{base, "tenant t7k9: s3cr3t/key", scrub.Hidden},
		{base, "no collection production-flows at https://host.example", "no collection production-flows at https://host.example"},
		{whole, "no stream t8k9", scrub.Hidden},
		{whole, "bad key hunter5 or hunter6", scrub.Hidden},
		{whole, "/ingest/t8k9/json?key=", scrub.Hidden},
		{whole, "http://user:pw@proxy/", scrub.Hidden},
	} {
		qt.Check(t, test.s.Text(test.echo), qt.Equals, test.want)
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
		{clickHouse, "certificate is not yet valid: current time 1970-01-01T01:00:00+01:00 is before 2026-11-30T00:00:00Z", true},
		{clickHouse + "&password=sword+fish", "bad sword fish", false},
		{clickHouse + "&password=sword%20fish", "bad sword+fish", false},
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
		want := scrub.Hidden
		if test.shown {
			want = test.text
		}
		qt.Check(t, newScrubber(&cfg, upload).Text(test.text), qt.Equals, want, qt.Commentf(test.url))
	}
}
