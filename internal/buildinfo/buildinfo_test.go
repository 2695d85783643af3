package buildinfo

import (
	"runtime"
	"runtime/debug"
	"testing"

	qt "github.com/frankban/quicktest"
)

func TestInfo(t *testing.T) {
	platform := " " + runtime.GOOS + "/" + runtime.GOARCH
	module := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: version}, Settings: settings}
	}
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "0123abcd"}
	for _, test := range []struct {
		name string
		from *debug.BuildInfo
		want string
	}{
		{"go install of a version", module("v0.1.0"), "v0.1.0, go1.26.8" + platform},
		{"go build in a clone", module("v0.1.1-0.2026", commit, debug.BuildSetting{Key: "vcs.modified", Value: "false"}), "v0.1.1-0.2026, commit 0123abcd, go1.26.8" + platform},
		{"with changes", module("v0.1.0+dirty", commit, debug.BuildSetting{Key: "vcs.modified", Value: "true"}), "v0.1.0+dirty, commit 0123abcd (modified), go1.26.8" + platform},
		{"without a clone", module("(devel)", debug.BuildSetting{Key: "-buildmode", Value: "exe"}), "(devel), go1.26.8" + platform},
		{"nothing is known", new(debug.BuildInfo), "(devel), " + runtime.Version() + platform},
	} {
		qt.Check(t, newInfo(test.from).String(), qt.Equals, test.want, qt.Commentf("%s", test.name))
	}
	qt.Check(t, Read().Go, qt.Equals, runtime.Version())
}
