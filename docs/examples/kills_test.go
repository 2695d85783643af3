package examples_test

import (
	"bufio"
	"bytes"
	"math/rand/v2"
	"os"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/killtest"
)

// killed runs a script again and again, and kills it with kill -9 at random moments, until that has interrupted
// it often: 8 times, or as often as NETLOG_KILLS says. The script prints "opens", "loads" and "loaded". One half of
// the kills come after the first line, and one half after the second. The script may fail if a file has been
// compressed and removed since it was found. Then it is run again.
func killed(t *testing.T, dir, script string, input any) {
	t.Helper()
	kills := killtest.Rounds(t, os.Getenv("NETLOG_KILLS"), 8)
	longest, ends := map[string]time.Duration{}, map[string]int{}
	for interrupted := 0; interrupted < kills; {
		line := []string{"opens", "loads"}[interrupted%2]
		after := time.Minute
		if longest[line] > 0 {
			after = rand.N(longest[line] * 5 / 4)
		}
		took, end := runFor(t, dir, script, input, line, after)
		longest[line] = max(longest[line], took)
		if end == "killed" {
			interrupted++
			end += " while it " + line
		}
		ends[end]++
		qt.Assert(t, ends["complete"]+ends["file removed"] <= 4*kills, qt.IsTrue, qt.Commentf("%v", ends))
	}
	t.Logf("loads: %v", ends)
}

// runFor runs a script and kills it some time after it has printed a line. It returns how it ended and, if it was
// complete, how long it took from then on.
func runFor(t *testing.T, dir, script string, input any, line string, after time.Duration) (
	took time.Duration, end string,
) {
	t.Helper()
	cmd := nodeCommand(t, dir, script, input)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	stdout, err := cmd.StdoutPipe()
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, cmd.Start(), qt.IsNil)
	var begin time.Time
	var killed atomic.Bool
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		switch lines.Text() {
		case line:
			begin = time.Now()
			kill := time.AfterFunc(after, func() {
				killed.Store(true)
				cmd.Process.Kill()
			})
			defer kill.Stop()
		case "loaded":
			took = time.Since(begin)
		}
	}
	err = cmd.Wait()
	switch {
	case killed.Load() && cmd.ProcessState.ExitCode() == -1: // by a signal
		return 0, "killed"
	case err != nil && noSuchFile.Match(errs.Bytes()):
		return 0, "file removed"
	}
	qt.Assert(t, err, qt.IsNil, qt.Commentf("%s", errs.String()))
	return took, "complete"
}

// noSuchFile matches what engines say if a file that they found is compressed and removed before they open it.
var noSuchFile = regexp.MustCompile(`[0-9]\.ndjson\b.*No such file or directory`)
