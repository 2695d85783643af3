// Package buildinfo says what a command was built from.
package buildinfo

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"strings"
)

// Info is what a program was built from. Fields that are not known are empty.
type Info struct {
	Version  string // of the main module: a tag or a pseudo-version, or "(devel)" if go does not know it
	Revision string // the commit, in hexadecimal; only known if the program was built in a clone
	Modified bool   // files of the clone differed from the commit
	Go       string // the version of Go, such as "go1.26.8"
}

// Read returns the Info of the running program.
func Read() Info {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		b = new(debug.BuildInfo)
	}
	return newInfo(b)
}

func newInfo(b *debug.BuildInfo) Info {
	i := Info{Version: cmp.Or(b.Main.Version, "(devel)"), Go: cmp.Or(b.GoVersion, runtime.Version())}
	for _, s := range b.Settings {
		switch s.Key {
		case "vcs.revision":
			i.Revision = s.Value
		case "vcs.modified":
			i.Modified = s.Value == "true"
		}
	}
	return i
}

// String returns i in one line, with the platform of the program.
func (i Info) String() string {
	parts := []string{i.Version}
	if i.Revision != "" {
		commit := "commit " + i.Revision
		if i.Modified {
			commit += " (modified)"
		}
		parts = append(parts, commit)
	}
	return strings.Join(append(parts, i.Go+" "+runtime.GOOS+"/"+runtime.GOARCH), ", ")
}
