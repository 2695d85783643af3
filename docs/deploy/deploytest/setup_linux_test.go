package deploytest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// insideEnv is set in the process that has namespaces of its own.
const insideEnv = "DEPLOYTEST_INSIDE"

// TestMain starts the tests again in namespaces of their own, if they are asked for. All processes of the tests
// end with the first process of the namespace, and nothing is mounted outside.
func TestMain(m *testing.M) {
	asked := os.Getenv("NETLOG_DEPLOY") != ""
	switch {
	case os.Getenv(insideEnv) != "":
		if err := settleIn(); err != nil {
			fmt.Fprintln(os.Stderr, "deploytest:", err)
			os.Exit(1)
		}
	case asked && os.Geteuid() == 0:
		os.Exit(runInside())
	}
	os.Exit(m.Run())
}

// runInside runs the tests in new namespaces and returns the exit code.
func runInside() int {
	runtime.LockOSThread() // Pdeathsig is about the thread
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "deploytest: cannot make namespaces:", err)
		return 1
	}
	return 0
}

// settleIn mounts what the namespaces need, and turns loopback on.
func settleIn() error {
	for _, m := range []struct {
		source, target, kind string
		flags                uintptr
	}{
		{"none", "/", "", syscall.MS_REC | syscall.MS_PRIVATE},
		{"proc", "/proc", "proc", 0},
		{"cgroup2", "/sys/fs/cgroup", "cgroup2", 0}, // crun and systemd refuse a mixture of both versions
	} {
		if err := syscall.Mount(m.source, m.target, m.kind, m.flags, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", m.target, err)
		}
	}
	if err := syscall.Sethostname([]byte("node-1")); err != nil {
		return err
	}
	out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput()
	if err != nil {
		return fmt.Errorf("the ip tool (package iproute2): %w: %s", err, out)
	}
	return nil
}

// need skips the test unless it runs in its namespaces, and has a program.
func need(t *testing.T, program, of string) {
	t.Helper()
	if os.Getenv(insideEnv) == "" {
		t.Skip("set NETLOG_DEPLOY=1 to run containers and services here, as root")
	}
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("needs %s (package %s): %v", program, of, err)
	}
}

// status returns the users, groups, capabilities and filters in a file /proc/PID/status.
func status(text string) string {
	var all []string
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "Uid", "Gid", "Groups", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp":
			all = append(all, name+" "+strings.Join(slices.Compact(strings.Fields(value)), " "))
		}
	}
	return strings.Join(all, "; ")
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not within a minute: %s", what)
}
