package doubleentry

import (
	"bufio"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/records"
)

// TestMemory measures the memory that two nodes take, per flow and per record.
func TestMemory(t *testing.T) {
	if os.Getenv("NETLOG_SCALE") == "" {
		t.Skip("set NETLOG_SCALE=1 to measure the memory of verify, which takes some seconds")
	}
	for _, test := range []struct {
		name          string
		recs, flows   int
		most, divisor int // bytes
	}{
		{"each flow once, at both ends", 1000, 200, 500, 200_000},
		{"one flow in every record", 400_000, 0, 40, 400_000},
	} {
		path := filepath.Join(t.TempDir(), "flows.ndjson")
		writeBooks(t, path, test.recs, test.flows)
		in, readings, before, after := &records.Input{Paths: []string{path}}, 0, heapInUse(), uint64(0)
		r, err := Check(func() iter.Seq2[*records.Record, error] {
			return func(yield func(*records.Record, error) bool) {
				in.Records()(yield)
				if readings++; readings == 2 {
					after = heapInUse()
				}
			}
		}, options)
		qt.Assert(t, err, qt.IsNil)
		each := int(after-before) / test.divisor
		t.Logf("%s: %d bytes", test.name, each)
		qt.Check(t, r.Findings, qt.HasLen, 0)
		qt.Check(t, each <= test.most, qt.IsTrue)
	}
}

// writeBooks writes records of two nodes by turns, which agree. Each pair of
// records has flows that no other has, or for zero one that all have.
func writeBooks(t *testing.T, path string, recs, flows int) {
	f, err := os.Create(path)
	qt.Assert(t, err, qt.IsNil)
	defer f.Close()
	w := bufio.NewWriter(f)
	for i := range recs {
		fmt.Fprintf(w, `{"logtail":{"id":"%064x","client_time":"2026-11-22T10:00:05Z","proc_id":1,"proc_seq":%d},"start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:05Z","virtualTraffic":[`, i%2, i/2+1)
		for j := range max(flows, 1) {
			k := i / 2 * flows
			ends := [2]string{fmt.Sprintf("100.64.0.1:%d", (k+j)%60000), fmt.Sprintf("100.65.0.%d:443", (k+j)/60000)}
			if j > 0 {
				w.WriteByte(',')
			}
			fmt.Fprintf(w, `{"proto":6,"src":%q,"dst":%q,"txPkts":1,"txBytes":1,"rxPkts":1,"rxBytes":1}`, ends[i%2], ends[1-i%2])
		}
		fmt.Fprintln(w, "]}")
	}
	qt.Assert(t, w.Flush(), qt.IsNil)
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
