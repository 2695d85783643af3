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
