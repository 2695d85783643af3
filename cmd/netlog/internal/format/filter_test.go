package format

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
)

func TestFmtSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		var in strings.Builder
		for _, ago := range []time.Duration{8 * day, 6 * day, 2 * time.Hour, time.Minute} {
			fmt.Fprintf(&in, `{"nodeId":"%v","end":%q,"exitTraffic":[]}`+"\n", ago, time.Now().Add(-ago).UTC().Format(time.RFC3339))
		}
		in.WriteString(`{"nodeId":"no time","exitTraffic":[]}`)
		at := func(ago time.Duration, layout string) string { return time.Now().Add(-ago).Format(layout) }
		for since, want := range map[string]string{
			"7d": "144h0m0s 2h0m0s 1m0s no time", "1h30m": "1m0s no time", "0d": "no time", "0": "no time",
			at(7*day, time.DateOnly):                "144h0m0s 2h0m0s 1m0s no time",
			at(90*time.Minute, time.DateTime):       "1m0s no time",
			at(90*time.Minute, time.RFC3339):        "1m0s no time",
			at(-day, "2006-01-02T15:04:05.0Z07:00"): "no time",
			"-7d":                                   "", "-1h": "", "d": "", "1.5d": "", "7": "", "yesterday": "",
		} {
			code, out, errs := clitest.Run(t, run, in.String(), "fmt", "-json", "-since", since)
			qt.Check(t, code, qt.Equals, map[bool]int{true: cli.ExitOK, false: cli.ExitUsage}[want != ""], qt.Commentf("%s: %s", since, errs))
			var got []string
			for _, m := range regexp.MustCompile(`"nodeId":"(.*?)"`).FindAllStringSubmatch(out, -1) {
				got = append(got, m[1])
			}
			qt.Check(t, strings.Join(got, " "), qt.Equals, want, qt.Commentf("%s", since))
		}
	})
}

// TestFmtSinceComparesWithClockOfNode has nodes whose clocks were set a minute ago. An age is
// subtracted from the clock of this machine, and compared with that of the node.
func TestFmtSinceComparesWithClockOfNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day, year = 24 * time.Hour, 365 * 24 * time.Hour
		for step, want := range map[time.Duration]string{
			0: "before after", time.Minute: "before after", day: "before after", year: "before after",
			-time.Minute: "before after", -day: "before", -year: "before",
		} {
			var in strings.Builder
			for name, end := range map[string]time.Duration{"before": -2 * time.Minute, "after": step} {
				fmt.Fprintf(&in, `{"nodeId":%q,"end":%q,"exitTraffic":[]}`+"\n", name, time.Now().Add(end).UTC().Format(time.RFC3339))
			}
			_, out, _ := clitest.Run(t, run, in.String(), "fmt", "-json", "-since", "1h")
			for _, name := range []string{"before", "after"} {
				qt.Check(t, strings.Contains(out, name), qt.Equals, strings.Contains(want, name), qt.Commentf("%s after a step of %v", name, step))
			}
		}
	})
}
