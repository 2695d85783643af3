package metrics

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// system adds the metrics of the process that the kernel provides. It leaves out those that it cannot read,
// for example if /proc is not mounted.
func (t *Text) system() {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) == nil {
		cpu := time.Duration(used.Utime.Nano() + used.Stime.Nano())
		t.Counter("process_cpu_seconds_total", "Time of processors that the process has used, in seconds.", cpu.Seconds())
	}
	if pages, err := residentPages(); err == nil {
		t.Gauge("process_resident_memory_bytes", "Memory of the process that is in RAM, in bytes.", float64(pages)*float64(os.Getpagesize()))
	}
	if n, err := openFiles(); err == nil {
		t.Gauge("process_open_fds", "Open file descriptors.", float64(n))
	}
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		t.Gauge("process_max_fds", "Largest number of open file descriptors.", float64(limit.Cur))
	}
}

// residentPages returns the second field of statm, as proc_pid_statm(5) describes it.
func residentPages() (uint64, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseUint(string(fields[1]), 10, 64)
}

// openFiles returns the number of open file descriptors, without the one that it needs itself.
func openFiles() (int, error) {
	d, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	return len(names) - 1, err
}
