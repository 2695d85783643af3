package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/records"
)

func TestProgressLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flows.ndjson")
	lines := strings.Repeat(`{"logtail":{},"text":"`+strings.Repeat("x", 1000)+"\"}\n", 2000)
	qt.Assert(t, os.WriteFile(path, []byte(lines), 0o600), qt.IsNil)
	for want, in := range map[string]*records.Input{
		`\r +\d\d % of 2 MB\x1b\[K`: {Paths: []string{path}},
		`\r1 MB\x1b\[K`:             {Stdin: strings.NewReader(lines)}, // nobody knows how long it is
	} {
		synctest.Test(t, func(t *testing.T) { checkProgress(t, in, want) })
	}
}

func checkProgress(t *testing.T, in *records.Input, want string) {
	var out bytes.Buffer
	p := NewProgress(&out)
	qt.Assert(t, p.w, qt.IsNil, qt.Commentf("a buffer is no terminal"))
	p.w = &out
	n := 0
	for range in.Records() {
		if n++; n == 1000 {
			qt.Check(t, out.String(), qt.Equals, "", qt.Commentf("a short read shows nothing"))
			time.Sleep(time.Second)
		}
		p.Show(in)
	}
	qt.Check(t, strings.Count(out.String(), "\r"), qt.Equals, 1, qt.Commentf("at most one in a quarter of a second"))
	qt.Check(t, out.String(), qt.Matches, want)
	p.End()
	p.End()
	qt.Check(t, strings.HasSuffix(out.String(), "\x1b[K\r\x1b[K"), qt.IsTrue)
	qt.Check(t, strings.Count(out.String(), "\r"), qt.Equals, 2)
}
