//go:build linux

// Command compare measures what netlogd, softflowd and pmacctd cost beside the same traffic: packets
// of one size in a thousand flows, as fast as one core sends them over a veth pair. Each tool runs
// alone, in turn, for several rounds.
//
//	go run ./internal/compare
//
// It needs root, the ip tool, and the Debian packages softflowd and pmacct. It makes two network
// namespaces and removes them.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// result is what one tool did in one round.
type result struct {
	cpu     time.Duration // of all its processes, for a million packets
	rate    float64       // packets a second that were sent
	counted uint64        // packets that the tool counted, where it says so
	lost    uint64        // packets that the kernel had no room for, where the tool says so
	memory  int           // KiB resident, at the end
}

func main() {
	rounds := flag.Int("rounds", 9, "`number` of rounds")
	packets := flag.Int("packets", 2_000_000, "`number` of packets in a round")
	only := flag.String("only", "", "run only the tool of this `name`")
	flag.Parse()
	log.SetFlags(0)
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := newLab(dir)
	if err == nil {
		err = l.compare(*only, *rounds, *packets)
	}
	l.close()
	if err != nil {
		log.Print(err)
	}
}

func (l *lab) compare(only string, rounds, packets int) error {
	tools := slices.DeleteFunc([]tool{l.netlogd(), l.softflowd(), l.pmacctd()}, func(t tool) bool { return only != "" && only != t.name })
	for _, size := range []int{64, 1400} {
		all := make([][]result, len(tools))
		for range rounds {
			for i, t := range tools {
				r, err := l.round(t, size, packets)
				if err != nil {
					return fmt.Errorf("%s: %w", t.name, err)
				}
				all[i] = append(all[i], r)
			}
		}
		fmt.Printf("%d packets of %d bytes, %d rounds: median (quartiles)\n", packets, size, rounds)
		for i, t := range tools {
			report(t.name, all[i])
		}
	}
	return nil
}

func report(name string, results []result) {
	slices.SortFunc(results, func(x, y result) int { return int(x.cpu - y.cpu) })
	at := func(part float64) result { return results[int(part*float64(len(results)-1)+0.5)] }
	var counted, lost uint64
	for _, r := range results {
		counted += r.counted
		lost += r.lost
	}
	fmt.Printf("  %-10s %4d ms CPU a million packets (%d to %d), sent %.0f a second, counted %d, lost %d, %d KiB resident\n", name,
		at(0.5).cpu.Milliseconds(), at(0.25).cpu.Milliseconds(), at(0.75).cpu.Milliseconds(), at(0.5).rate, counted, lost, at(0.5).memory)
}

// round runs a tool beside the traffic.
func (l *lab) round(t tool, size, packets int) (r result, err error) {
	p, err := l.start(t)
	if err != nil {
		return r, err
	}
	defer p.end()
	idle, _ := p.usage()
	took, err := l.send(size, packets)
	if err != nil {
		return r, err
	}
	time.Sleep(time.Second) // for what is still in its buffers, and for exports
	busy, memory := p.usage()
	r.cpu = (busy - idle) * 1_000_000 / time.Duration(packets)
	r.rate, r.memory = float64(packets)/took.Seconds(), memory
	r.counted, r.lost = t.counts(p)
	return r, nil
}

// tool is a program to measure.
type tool struct {
	name   string
	args   []string
	ready  string // printed when it counts; empty: a second after the start
	counts func(*process) (counted, lost uint64)
}

func (l *lab) netlogd() tool {
	return tool{
		name:  "netlogd",
		args:  []string{filepath.Join(l.dir, "netlogd"), "-state", filepath.Join(l.dir, "state"), "recv0"},
		ready: "flows are logged as",
		counts: func(p *process) (uint64, uint64) {
			p.end()
			return l.collected(), number(p.output(), "recv0: ", " packets were not counted in all")
		},
	}
}

func (l *lab) softflowd() tool {
	socket := filepath.Join(l.dir, "softflowd.ctl")
	return tool{
		name: "softflowd",
		args: []string{"softflowd", "-i", "recv0", "-n", "127.0.0.1:9995", "-d", "-c", socket, "-p", filepath.Join(l.dir, "softflowd.pid")},
		counts: func(*process) (uint64, uint64) {
			out, _ := exec.Command("softflowctl", "-c", socket, "statistics").Output()
			return number(string(out), "Packets processed: ", "\n"), number(string(out), "Packets dropped by libpcap: ", "\n")
		},
	}
}

func (l *lab) pmacctd() tool {
	config := filepath.Join(l.dir, "pmacctd.conf")
	text := "pcap_interface: recv0\nplugins: nfprobe\nnfprobe_receiver: 127.0.0.1:9995\nplugin_buffer_size: 1024000\nplugin_pipe_size: 102400000\n" +
		"aggregate: src_host, dst_host, src_port, dst_port, proto\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		log.Fatal(err)
	}
	return tool{
		name: "pmacctd",
		args: []string{"pmacctd", "-f", config},
		counts: func(p *process) (uint64, uint64) {
			p.signalStats()
			time.Sleep(500 * time.Millisecond)
			return number(p.output(), "received_packets=", " "), number(p.output(), "dropped_packets=", "\n")
		},
	}
}

// number returns the number between two texts in the last line that has both, or 0.
func number(text, before, after string) (n uint64) {
	for in := bufio.NewScanner(strings.NewReader(text)); in.Scan(); {
		if _, rest, ok := strings.Cut(in.Text()+"\n", before); ok {
			if digits, _, ok := strings.Cut(rest, after); ok {
				fmt.Sscan(digits, &n)
			}
		}
	}
	return n
}
