package serve

import (
	"flag"
	"io"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
)

// TestServeFlagsRejectSlips rejects values that would delete entries by mistake: 1m could
// be a month, and 10 could be GiB.
func TestServeFlagsRejectSlips(t *testing.T) {
	for args, want := range map[string]string{
		"-max-age 1m":       `.*"1m" for flag -max-age: want days or hours, like 30d or 12h.*`,
		"-max-age 30":       `.*"30" for flag -max-age: want days or hours.*`,
		"-max-age 0.5h":     `.*"0.5h" for flag -max-age: want days or hours.*`,
		"-max-age 30m":      `.*want days or hours.*`,
		"-max-age 3600s":    `.*want days or hours.*`,
		"-max-age -1d":      `.*want days or hours.*`,
		"-max-age 9999999d": `.*want days or hours.*`,
		"-max-size 10":      `-max-size is 10 bytes; write 10GiB`,
		"-max-size 500B":    `-max-size is 500 bytes; write 500GiB`,
		"-max-size 10kB":    `-max-size is 10000 bytes; write at least 1MiB`,
		"-max-size 1048575": `-max-size is 1048575 bytes; write at least 1MiB`,
	} {
		c := qt.New(t)
		code, errs := runServeOnce(c, append(strings.Fields(args), "-dir", t.TempDir()+"/flows")...)
		c.Check(code, qt.Equals, cli.ExitUsage, qt.Commentf("%s", args))
		c.Check(errs, qt.Matches, "netlog serve: "+want+"\n")
	}
	for _, args := range []string{"-max-age 0 -max-size 0", "-max-age 1h -max-size 1MiB", "-max-age 20000d"} {
		var cfg config
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		cfg.flags(fs)
		qt.Assert(t, fs.Parse(strings.Fields(args)), qt.IsNil)
		qt.Check(t, cfg.check(), qt.IsNil)
	}
}

// TestServeFlagsDefaults checks that the defaults are those of the receiver and appear in
// the help.
func TestServeFlagsDefaults(t *testing.T) {
	_, out, _ := clitest.Run(t, run, "", "serve", "-h")
	for _, want := range []string{"(default 30d)", "(default 10GiB)", "(default 256MiB)", "(default 2GiB)", "(default 1000)"} {
		qt.Check(t, out, qt.Contains, want)
	}
	var cfg config
	cfg.flags(cli.NewFlags("serve"))
	qt.Check(t, cfg.files(nil).MaxBytes, qt.Equals, int64(10<<30))
	qt.Check(t, cfg.limits().MaxNewIDsPerHour, qt.Equals, 1000)
	cfg = config{}
	qt.Check(t, cfg.files(nil).MaxAge, qt.Equals, time.Duration(-1), qt.Commentf("0 is for ever"))
	qt.Check(t, cfg.limits().MaxBytesPerHour, qt.Equals, int64(-1))
}
