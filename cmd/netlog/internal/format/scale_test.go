package format

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/meshtest"
	"github.com/go-netlog/netlog/internal/records"
)

// TestFmtUpstream lets the formatter of the project that defined this format read our
// files.
func TestFmtUpstream(t *testing.T) {
	if os.Getenv("NETLOG_UPSTREAM") == "" {
		t.Skip("set NETLOG_UPSTREAM=1 to run the upstream formatter, which is downloaded and built")
	}
	m := meshtest.Finished(meshtest.SubnetRouter(false))
	cmd := exec.CommandContext(t.Context(), "go", "run", "tailscale.com/cmd/netlogfmt@v1.102.0")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Stdin = strings.NewReader(strings.Join(append(m.Node("router").Lines, fmt.Sprintf(named, strings.Repeat("ab", 32)), connections), "\n"))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	qt.Assert(t, err, qt.IsNil, qt.Commentf("%s", errs.String()))
	t.Logf("%s", out)
	for _, want := range []string{"192.168.1.10:80", "100.64.0.2:40000", "VirtualTraffic", "SubnetTraffic", "10.0.0.1:40002 -> 10.0.0.2:23"} {
		qt.Check(t, string(out), qt.Contains, want)
	}
}

// TestFmtTenMillionFlows reads a stream that is larger than the memory it may use.
func TestFmtTenMillionFlows(t *testing.T) {
	if os.Getenv("NETLOG_SCALE") == "" {
		t.Skip("set NETLOG_SCALE=1 to format 10 million flow entries, which takes a minute")
	}
	const recs, perRec = 20_000, 500
	r, w := io.Pipe()
	go writeScale(w, recs, perRec)
	d := &peakReader{Reader: r}
	start := time.Now()
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"fmt", "-top", "5"}, d, &out, &errs)
	took := time.Since(start)
	qt.Assert(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s", errs.String()))
	t.Logf("%d entries, %d MB: %v, %.0f entries/s, peak heap %d MB\n%s", recs*perRec, d.n/1e6, took.Round(time.Millisecond),
		recs*perRec/took.Seconds(), d.peak>>20, out.String())
	qt.Check(t, out.String(), qt.Contains, "10000000 entries")
	qt.Check(t, d.peak < 600<<20, qt.IsTrue)
}

// writeScale writes records of 200 nodes that talk to 200 peers from random ports.
func writeScale(w *io.PipeWriter, recs, perRec int) {
	rnd := uint32(1)
	var b []byte
	for i := range recs {
		b = fmt.Appendf(b[:0], `{"logtail":{"id":"%064x","client_time":"2026-11-22T10:00:05Z","proc_id":1,"proc_seq":%d},"nodeId":"n","start":"2026-11-22T10:00:00Z","end":"2026-11-22T11:00:05Z","virtualTraffic":[`, i%200, i)
		for j := range perRec {
			rnd = rnd*1664525 + 1013904223
			if j > 0 {
				b = append(b, ',')
			}
			b = fmt.Appendf(b, `{"proto":6,"src":"100.64.0.%d:%d","dst":"100.64.1.%d:443","txPkts":%d,"txBytes":%d,"rxPkts":3,"rxBytes":4000}`,
				i%200, 32768+rnd>>18, rnd>>8%200, rnd>>20, rnd>>12)
		}
		b = append(b, "]}\n"...)
		if _, err := w.Write(b); err != nil {
			return
		}
	}
	w.Close()
}

// peakReader looks at the heap now and then while it is read.
type peakReader struct {
	io.Reader
	n, next int64
	peak    uint64
}

func (p *peakReader) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if p.n += int64(n); p.n >= p.next {
		p.next = p.n + 16<<20
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		p.peak = max(p.peak, m.HeapInuse+m.StackInuse)
	}
	return n, err
}

func BenchmarkReader(b *testing.B) {
	r, w := io.Pipe()
	go writeScale(w, 20, 500)
	data, err := io.ReadAll(r)
	qt.Assert(b, err, qt.IsNil)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		d := records.NewReader(bytes.NewReader(data), "")
		for {
			if _, err := d.Next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/flow")
}
