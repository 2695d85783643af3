package format

import (
	"bufio"
	"bytes"
	"io"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/records"
)

func TestFmtErrorRemovesProgress(t *testing.T) {
	for _, word := range []string{"100.64.0.1", "web"} { // one reading and two
		var drawn bytes.Buffer
		cfg := &config{json: true}
		qt.Assert(t, cfg.exclude.add(word), qt.IsNil)
		c := formatter{
			config: cfg, in: &records.Input{Paths: []string{clitest.WriteRecords(t, 100)}},
			stdout: bufio.NewWriterSize(clitest.FullDisk{}, 1), stderr: io.Discard, progress: cli.NewTestProgress(&drawn),
		}
		qt.Check(t, c.run(), qt.ErrorIs, syscall.ENOSPC)
		qt.Check(t, drawn.String(), qt.Matches, `\r.*MB\x1b\[K\r\x1b\[K`)
	}
}
