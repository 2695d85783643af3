package metrics

import (
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// valueOf returns the value of a metric of the process.
func valueOf(t *testing.T, name string) float64 {
	t.Helper()
	var text Text
	text.Process(time.Unix(7, 0))
	found := regexp.MustCompile(`(?m)^` + name + ` ([0-9.]+)$`).FindSubmatch(text.Bytes())
	qt.Assert(t, found, qt.HasLen, 2, qt.Commentf("%s", text.Bytes()))
	v, err := strconv.ParseFloat(string(found[1]), 64)
	qt.Assert(t, err, qt.IsNil)
	return v
}

// TestProcess changes what the process uses, and looks for it in the metrics.
func TestProcess(t *testing.T) {
	qt.Check(t, valueOf(t, "process_start_time_seconds"), qt.Equals, 7.0)
	cpu := valueOf(t, "process_cpu_seconds_total")
	for valueOf(t, "process_cpu_seconds_total") == cpu { // the kernel counts in steps
	}
	before := valueOf(t, "process_open_fds")
	for range 5 {
		f, err := os.Open(".")
		qt.Assert(t, err, qt.IsNil)
		defer f.Close()
	}
	qt.Check(t, valueOf(t, "process_open_fds"), qt.Equals, before+5)
	qt.Check(t, valueOf(t, "process_max_fds") >= before+5, qt.IsTrue)
	status, err := os.ReadFile("/proc/self/status")
	qt.Assert(t, err, qt.IsNil)
	resident := regexp.MustCompile(`(?m)^VmRSS:\s+(\d+) kB$`).FindSubmatch(status)
	qt.Assert(t, resident, qt.HasLen, 2)
	want, err := strconv.ParseFloat(string(resident[1]), 64)
	qt.Assert(t, err, qt.IsNil)
	got := valueOf(t, "process_resident_memory_bytes")
	qt.Check(t, got > 0.8*1024*want && got < 1.25*1024*want, qt.IsTrue, qt.Commentf("%v bytes, and %v kB", got, want))
}
