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

// Send posts body to the server at url as node id, and returns the status code. token may be empty.
func Send(c *qt.C, url string, id logtail.PrivateID, body, token string) int {
	c.Helper()
	text, err := id.MarshalText()
	c.Assert(err, qt.IsNil)
	r, err := http.NewRequest("POST", fmt.Sprintf("%s/c/netlog/%s", url, text), strings.NewReader(body))
	c.Assert(err, qt.IsNil)
	r.Close = true
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	c.Assert(err, qt.IsNil)
	resp.Body.Close()
	return resp.StatusCode
}
