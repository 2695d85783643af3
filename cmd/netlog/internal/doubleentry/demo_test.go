package doubleentry

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/meshtest"
	"github.com/go-netlog/netlog/cmd/netlog/internal/serve"
	"github.com/go-netlog/netlog/internal/records"
)

// TestCheckDemo checks the records of two real WireGuard devices, and changes them.
func TestCheckDemo(t *testing.T) {
	runs, err := strconv.Atoi(os.Getenv("NETLOG_DEMO"))
	if err != nil {
		t.Skip("set NETLOG_DEMO=20 to verify the books of so many runs of the demo, seven seconds each")
	}
	demo := filepath.Join(t.TempDir(), "demo")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", demo, "../../../../wgtun/demo").CombinedOutput()
	qt.Assert(t, err, qt.IsNil, qt.Commentf("%s", out))
	for i := range runs {
		dir := t.TempDir()
		demoRun(t, demo, dir)
		m := meshOf(t, dir)
		qt.Assert(t, verifyLines(t, m).Findings, qt.HasLen, 0)
		if i == 0 {
			everyChange(t, m)
		}
	}
}

// demoRun runs the demo against a collector that stores in dir.
func demoRun(t *testing.T, demo, dir string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	qt.Assert(t, err, qt.IsNil)
	addr := l.Addr().String()
	qt.Assert(t, l.Close(), qt.IsNil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int)
	var errs bytes.Buffer
	go func() {
		done <- serve.Run(ctx, []string{"-addr", addr, "-dir", dir}, strings.NewReader(""), io.Discard, &errs)
	}()
	for range 10_000 {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			qt.Assert(t, c.Close(), qt.IsNil)
			break
		}
		runtime.Gosched()
	}
	out, err := exec.CommandContext(t.Context(), demo, "-url", "http://"+addr).CombinedOutput()
	cancel()
	qt.Assert(t, <-done, qt.Equals, cli.ExitOK, qt.Commentf("%s", errs.String()))
	qt.Assert(t, err, qt.IsNil, qt.Commentf("%s", out))
}

// meshOf reads the lines of a directory, by node.
func meshOf(t *testing.T, dir string) *meshtest.Mesh {
	m := &meshtest.Mesh{}
	for rec, err := range (&records.Input{Paths: []string{dir}}).Records() {
		qt.Assert(t, err, qt.IsNil)
		i := slices.IndexFunc(m.Nodes, func(n *meshtest.Node) bool { return n.ID == rec.Logtail.ID })
		if i < 0 {
			i = len(m.Nodes)
			m.Nodes = append(m.Nodes, &meshtest.Node{Name: rec.NodeID, ID: rec.Logtail.ID})
		}
		m.Nodes[i].Lines = append(m.Nodes[i].Lines, string(rec.Raw))
	}
	return m
}
