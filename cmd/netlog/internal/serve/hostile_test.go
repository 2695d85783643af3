package serve

import (
	"encoding/json"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
)

func TestServeHostileRecords(t *testing.T) {
	in := clitest.HostileRecords(t)
	for _, raw := range []bool{false, true} {
		var stdout, stderr clitest.Output
		v := newView(&stdout, &stderr, raw)
		for line := range strings.Lines(in) {
			if json.Valid([]byte(line)) { // the receiver takes nothing else
				v.add([][]byte{[]byte(strings.TrimSuffix(line, "\n"))})
			}
		}
		shownAtTheEnd(v, func(string) string { return "" })
		clitest.CheckHarmless(t, "serve", stdout.String()+stderr.String())
		qt.Check(t, strings.Count(stdout.String(), "\n"), qt.Equals, 11)
	}
}
