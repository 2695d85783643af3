package netlog_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/tunstats"
)

// TestSleepContextSwitches counts the context switches of a process that has an idle Meter and a running
// Logger, beside one without a Logger and one whose Device must be polled. With NETLOG_SOAK, each runs for a
// minute with the default period.
func TestSleepContextSwitches(t *testing.T) {
	period, length := 20*time.Millisecond, 2*time.Second
	if os.Getenv("NETLOG_SOAK") != "" {
		period, length = netlog.DefaultPollPeriod, time.Minute
	}
	none := switches(t, "none", period, length)
	asleep := switches(t, "meter", period, length)
	polled := switches(t, "polled", period, length)
	t.Logf("in %v with a period of %v: %d without a Logger, %d asleep, %d polled", length, period, none, asleep, polled)
	qt.Check(t, asleep <= none+2, qt.IsTrue, qt.Commentf("the runtime itself wakes up once a minute"))
	qt.Check(t, polled >= int(length/period)/2, qt.IsTrue, qt.Commentf("one for each poll, if the machine keeps up"))
}

// switches returns the context switches of an idle process in the given time.
func switches(t *testing.T, device string, period, length time.Duration) int {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestIdleProcess$", "-test.timeout=0")
	cmd.Env = append(os.Environ(), "TEST_IDLE_DEVICE="+device, "TEST_IDLE_PERIOD="+period.String())
	in, err := cmd.StdinPipe()
	qt.Assert(t, err, qt.IsNil)
	out, err := cmd.StdoutPipe()
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, cmd.Start(), qt.IsNil)
	line, err := bufio.NewReader(out).ReadString('\n')
	qt.Check(t, line, qt.Equals, "running\n", qt.Commentf("%v", err))
	if device == "polled" {
		time.Sleep(period)
	} else {
		awaitRest(t, cmd.Process.Pid, 5*period)
	}
	before := switchesOf(t, cmd.Process.Pid)
	time.Sleep(length)
	n := switchesOf(t, cmd.Process.Pid) - before
	qt.Check(t, in.Close(), qt.IsNil)
	io.Copy(io.Discard, out)
	qt.Check(t, cmd.Wait(), qt.IsNil)
	return n
}

// awaitRest waits until a process makes no context switch for some time: a busy machine takes a while to start it, and
// the first window of a Logger is idle.
func awaitRest(t *testing.T, pid int, pause time.Duration) {
	t.Helper()
	end := time.Now().Add(time.Minute)
	for last := -1; ; time.Sleep(pause) {
		n := switchesOf(t, pid)
		if n == last {
			return
		}
		last = n
		qt.Assert(t, time.Now().Before(end), qt.IsTrue, qt.Commentf("the process does not come to rest"))
	}
}

// switchesOf returns the context switches of all threads of a process so far.
func switchesOf(t *testing.T, pid int) (sum int) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, len(threads) > 0, qt.IsTrue)
	for _, name := range threads {
		status, err := os.ReadFile(name)
		qt.Assert(t, err, qt.IsNil)
		for line := range strings.Lines(string(status)) {
			var n int
			if _, err := fmt.Sscanf(line, "voluntary_ctxt_switches: %d", &n); err == nil {
				sum += n
			}
		}
	}
	return sum
}

// TestIdleProcess is the process of TestSleepContextSwitches. It ends with its input.
func TestIdleProcess(t *testing.T) {
	device := os.Getenv("TEST_IDLE_DEVICE")
	if device == "" {
		t.Skip("is run by TestSleepContextSwitches")
	}
	period, err := time.ParseDuration(os.Getenv("TEST_IDLE_PERIOD"))
	qt.Assert(t, err, qt.IsNil)
	var tun netlog.Device = new(tunstats.Meter)
	if device == "polled" {
		tun = struct{ netlog.Device }{tun} // hides NotifyActivity
	}
	l := netlog.Logger{PollPeriod: period}
	if device != "none" {
		startup(t, &l, tun, routes())
	}
	fmt.Println("running")
	io.Copy(io.Discard, os.Stdin)
	shutdown(t, &l)
}
