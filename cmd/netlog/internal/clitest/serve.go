package clitest

import (
	"fmt"
	"net/http"
	"strings"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

// FlowEntry returns an entry with one virtual flow of node 100.64.0.id. id and seq are its proc_id and
// proc_seq.
func FlowEntry(id, seq int) string {
	return fmt.Sprintf(`{"logtail":{"proc_id":%d,"proc_seq":%d},"start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:05Z",`+
		`"virtualTraffic":[{"proto":6,"src":"100.64.0.%d:22","dst":"100.64.0.2:4000","txPkts":10,"txBytes":4000,"rxPkts":1,"rxBytes":40}]}`, id, seq, id)
}

// Request returns a request with body of node id to the server at url. token may be empty.
func Request(c *qt.C, url string, id logtail.PrivateID, body, token string) *http.Request {
	c.Helper()
	text, err := id.MarshalText()
	c.Assert(err, qt.IsNil)
	r, err := http.NewRequest("POST", fmt.Sprintf("%s/c/netlog/%s", url, text), strings.NewReader(body))
	c.Assert(err, qt.IsNil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// Send sends a [Request] on a connection of its own, and returns the status code.
func Send(c *qt.C, url string, id logtail.PrivateID, body, token string) int {
	c.Helper()
	r := Request(c, url, id, body, token)
	r.Close = true
	resp, err := http.DefaultClient.Do(r)
	c.Assert(err, qt.IsNil)
	resp.Body.Close()
	return resp.StatusCode
}
