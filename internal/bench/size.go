package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// size measures what importing netlog adds to a daemon that has an HTTP client
// already: bytes of its stripped executable, and packages whose init does
// something, by GODEBUG=inittrace=1.
func size(t *table, _ int) {
	t.row("daemon", "KiB", "more KiB", "packages with init work")
	dir, err := os.MkdirTemp("", "size")
	check(err)
	defer os.RemoveAll(dir)
	first := int64(0)
	for _, tags := range []string{"", "netlog", "netlog,spool"} {
		name := filepath.Join(dir, "daemon")
		build := exec.Command("go", "build", "-o", name, "-trimpath", "-ldflags=-s -w", "-tags", tags, "./daemon")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		build.Stderr = os.Stderr
		check(build.Run())
		info, err := os.Stat(name)
		check(err)
		if first == 0 {
			first = info.Size()
		}
		traced := exec.Command(name)
		traced.Env = append(os.Environ(), "GODEBUG=inittrace=1", "TMPDIR="+dir)
		trace, err := traced.CombinedOutput()
		check(err)
		inits := 0
		for line := range strings.Lines(string(trace)) {
			if strings.HasPrefix(line, "init ") {
				inits++
			}
		}
		t.row("with "+strings.ReplaceAll(tags, ",", " and "), fmt.Sprint(info.Size()>>10), fmt.Sprint((info.Size()-first)>>10), fmt.Sprint(inits))
	}
}
