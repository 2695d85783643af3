package format

import (
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/records"
)

// TestIsNewBounded: sequence numbers with gaps, of any number of processes, take bounded memory.
func TestIsNewBounded(t *testing.T) {
	c := formatter{seen: make(map[process]*records.Seqs)}
	most := 0
	var rec records.Record
	const procs = 1000
	for seq := range uint64(3 * maxRuns / 2 / procs) {
		rec.Logtail.ProcSeq = 2*seq + 1
		for proc := range uint32(procs) {
			rec.Logtail.ProcID = proc
			if !c.isNew(&rec) {
				t.Fatalf("number %d of process %d is not new", rec.Logtail.ProcSeq, proc)
			}
		}
		runs := 0
		for _, s := range c.seen {
			runs += s.Runs()
		}
		qt.Assert(t, c.runs, qt.Equals, runs)
		most = max(most, runs)
	}
	qt.Check(t, most > maxRuns/2, qt.IsTrue)
	qt.Check(t, most <= maxRuns+1, qt.IsTrue)
	qt.Check(t, c.isNew(&rec), qt.IsFalse) // the last one is remembered
}
