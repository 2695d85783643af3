//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-netlog/netlog/record"
)

// lab is a veth pair between two namespaces. Packets are sent into send0, and the tools watch recv0.
type lab struct {
	dir      string
	from, to string // namespaces
	serve    *process
	before   uint64 // packets that were collected in earlier rounds
}

func newLab(dir string) (*lab, error) {
	l := &lab{dir: dir, from: fmt.Sprintf("nlcmp%d-tx", os.Getpid()), to: fmt.Sprintf("nlcmp%d-rx", os.Getpid())}
	for _, command := range []string{
		"go build -o " + dir + "/netlogd github.com/go-netlog/netlog/netif/netlogd",
		"go build -o " + dir + "/netlog github.com/go-netlog/netlog/cmd/netlog",
		"ip netns add " + l.from,
		"ip netns add " + l.to,
		"ip link add send0 netns " + l.from + " type veth peer name recv0 netns " + l.to,
		"ip -n " + l.from + " link set send0 addrgenmode none up",
		"ip -n " + l.to + " link set recv0 addrgenmode none up",
		"ip -n " + l.to + " link set lo up",
	} {
		args := strings.Fields(command)
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return l, fmt.Errorf("%s: %w: %s", command, err, out)
		}
	}
	serve, err := l.start(tool{args: []string{dir + "/netlog", "serve", "-dir", dir + "/flows"}, ready: "8641"})
	l.serve = serve
	return l, err
}

func (l *lab) close() {
	if l.serve != nil {
		l.serve.end()
	}
	exec.Command("ip", "netns", "del", l.from).Run()
	exec.Command("ip", "netns", "del", l.to).Run()
}

// collected returns the packets that the collector has received since the last call.
func (l *lab) collected() uint64 {
	out, err := exec.Command(filepath.Join(l.dir, "netlog"), "fmt", "-json", filepath.Join(l.dir, "flows")).Output()
	if err != nil {
		return 0
	}
	var sum uint64
	for line := range bytes.Lines(out) {
		var e record.Entry
		if json.Unmarshal(line, &e) != nil {
			continue
		}
		for _, list := range [][]record.ConnectionCounts{e.VirtualTraffic, e.SubnetTraffic, e.ExitTraffic} {
			for _, c := range list {
				sum += c.RxPackets
			}
		}
	}
	fresh := sum - l.before
	l.before = sum
	return fresh
}

// process is a tool with all the processes that it starts, which form a session.
type process struct {
	cmd  *exec.Cmd
	mu   sync.Mutex // guards text
	text bytes.Buffer
	once sync.Once
}

// Write takes the output.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func (l *lab) start(t tool) (*process, error) {
	p := &process{cmd: exec.Command("ip", append([]string{"netns", "exec", l.to}, t.args...)...)}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if t.ready == "" {
		time.Sleep(time.Second)
		return p, nil
	}
	for end := time.Now().Add(20 * time.Second); !strings.Contains(p.output(), t.ready); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			p.end()
			return nil, fmt.Errorf("does not print %q: %s", t.ready, p.output())
		}
	}
	return p, nil
}

// end ends the process.
func (p *process) end() {
	p.once.Do(func() {
		p.cmd.Process.Signal(syscall.SIGTERM)
		p.cmd.Wait()
	})
}

// signalStats asks pmacctd for its counters.
func (p *process) signalStats() { p.cmd.Process.Signal(syscall.SIGUSR1) }

// usage returns the CPU time and the resident memory in KiB of all processes of the session.
func (p *process) usage() (cpu time.Duration, memory int) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ") // proc(5): the fields from the third on
		fields := strings.Fields(rest)
		if len(fields) < 22 || fields[3] != strconv.Itoa(p.cmd.Process.Pid) {
			continue
		}
		const tick = 10 * time.Millisecond // of USER_HZ
		for _, field := range fields[11:13] {
			n, _ := strconv.Atoi(field)
			cpu += time.Duration(n) * tick
		}
		pages, _ := strconv.Atoi(fields[21])
		memory += pages * os.Getpagesize() / 1024
	}
	return cpu, memory
}
