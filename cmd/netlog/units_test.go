package main

import (
	"flag"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// TestUnitsReadWhatTheyPrint, and print it as people write it.
func TestUnitsReadWhatTheyPrint(t *testing.T) {
	for _, n := range []byteSize{0, 1, 999, 1000, 1024, 1 << 20, 1e6, 500e6, 10 << 30, 1 << 40, 3e12, math.MaxInt64} {
		got, err := parseSize(n.String())
		qt.Check(t, err, qt.IsNil)
		qt.Check(t, got, qt.Equals, n, qt.Commentf("%v", n))
	}
	for _, a := range []age{0, age(time.Hour), age(12 * time.Hour), age(day), age(36 * time.Hour), age(30 * day)} {
		got, err := parseAge(a.String())
		qt.Check(t, err, qt.IsNil)
		qt.Check(t, got, qt.Equals, a, qt.Commentf("%v", a))
	}
	for in, want := range map[string]string{"10GiB": "10 GiB", "500MB": "500 MB", "1536MiB": "1536 MiB", "1000000": "1 MB"} {
		n, err := parseSize(in)
		qt.Check(t, err, qt.IsNil)
		qt.Check(t, n.words(), qt.Equals, want)
	}
	for in, want := range map[string]string{"30d": "30 days", "24h": "1 day", "36h": "36 hours", "1h": "1 hour"} {
		a, err := parseAge(in)
		qt.Check(t, err, qt.IsNil)
		qt.Check(t, a.words(), qt.Equals, want)
	}
}

// TestServeRefusesToDeleteHistoryByASlip: 1m is a month to some, and 10 are GiB.
func TestServeRefusesToDeleteHistoryByASlip(t *testing.T) {
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
		c.Check(code, qt.Equals, exitUsage, qt.Commentf("%s", args))
		c.Check(errs, qt.Matches, "netlog serve: "+want+"\n")
	}
	for _, args := range []string{"-max-age 0 -max-size 0", "-max-age 1h -max-size 1MiB", "-max-age 20000d"} {
		var cfg serveConfig
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		cfg.flags(fs)
		qt.Assert(t, fs.Parse(strings.Fields(args)), qt.IsNil)
		qt.Check(t, cfg.check(), qt.IsNil)
	}
}

// TestServeHasItsDefaultsFromTheReceiver, and says so in its help.
func TestServeHasItsDefaultsFromTheReceiver(t *testing.T) {
	_, out, _ := netlogCommand(t, "", "serve", "-h")
	for _, want := range []string{"(default 30d)", "(default 10GiB)", "(default 256MiB)", "(default 12MiB)", "(default 1000)"} {
		qt.Check(t, out, qt.Contains, want)
	}
	var cfg serveConfig
	cfg.flags(newFlags("serve"))
	qt.Check(t, cfg.files(nil).MaxBytes, qt.Equals, int64(10<<30))
	qt.Check(t, cfg.limits().NewIDs, qt.Equals, 1000)
	cfg = serveConfig{}
	qt.Check(t, cfg.files(nil).MaxAge, qt.Equals, time.Duration(-1), qt.Commentf("0 is for ever"))
	qt.Check(t, cfg.limits().QuotaBytes, qt.Equals, int64(-1))
}

func TestSinceTakesDaysOnceAndNoFuture(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for in, want := range map[string]time.Time{
		"7d": now.Add(-7 * day), "12h": now.Add(-12 * time.Hour), "1h30m": now.Add(-90 * time.Minute), "0": now,
		"2026-11-22T09:00:00Z": now.Add(-time.Hour),
	} {
		got, err := parseTime(in, now)
		qt.Check(t, err, qt.IsNil)
		qt.Check(t, got.Equal(want), qt.IsTrue, qt.Commentf("%s: %v", in, got))
	}
	for _, in := range []string{"-1h", "-3d", "x", "", "7"} {
		_, err := parseTime(in, now)
		qt.Check(t, err, qt.IsNotNil, qt.Commentf("%s", in))
	}
}
