//go:build unix

// Command cost measures the cost of counting in a wireguard-go tunnel. It sends packets through two devices over UDP
// on the loopback interface, with and without flow logs in alternating pairs, and measures the share of CPU time of
// the flow logs.
//
// The host side of both devices is memory, in batches of 128, which is faster than a kernel interface. So the share
// of counting is as large as possible. On a machine that does other work too, use the packets by CPU time.
//
//	go run ./wgtun/internal/cost            # from the root of the repository
package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	pairs := flag.Int("pairs", 15, "`number` of pairs of measurements")
	length := flag.Duration("time", time.Second, "`duration` of one measurement")
	flows := flag.Int("flows", 100, "`number` of flows, packets taking turns")
	size := flag.Int("size", 1400, "`bytes` of a packet")
	flag.Parse()
	if err := measure(*pairs, *length, *flows, *size); err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}

func measure(pairs int, length time.Duration, flows, size int) error {
	fmt.Printf("%s %s/%s, %d CPUs; %d flows, packets of %d bytes; %d pairs of %v\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), flows, size, pairs, length)
	fmt.Println("        packets a second              packets a second of CPU")
	fmt.Println("pair    uncounted  counted   ratio    uncounted  counted   ratio")
	var byTime, byCPU []float64
	for pair := range pairs {
		var got [2]speed
		for turn := range 2 {
			mode := (pair + turn) % 2 // the order in a pair alternates too
			s, err := throughput(mode == 1, length, flows, size)
			if err != nil {
				return err
			}
			got[mode] = s
		}
		plain, counted := got[0], got[1]
		byTime = append(byTime, counted.byTime/plain.byTime)
		byCPU = append(byCPU, counted.byCPU/plain.byCPU)
		fmt.Printf("%4d   %10.0f %8.0f   %.3f   %10.0f %8.0f   %.3f\n", pair+1,
			plain.byTime, counted.byTime, byTime[pair], plain.byCPU, counted.byCPU, byCPU[pair])
	}
	fmt.Printf("\nmedian of counted over uncounted: %s by time, %s by CPU time\n", median(byTime), median(byCPU))

	share, err := profile(max(5*length, 10*time.Second), flows, size)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	fmt.Println("CPU profile of a counted run, samples inside tunstats, netlog and logtail:", share)
	return nil
}

// median formats the median and the quartiles of the numbers. It sorts them.
func median(all []float64) string {
	slices.Sort(all)
	n := len(all)
	return fmt.Sprintf("%.3f (%.3f to %.3f)", (all[n/2]+all[(n-1)/2])/2, all[n/4], all[(n-1)*3/4])
}

// speed is the packet rate of a tunnel.
type speed struct{ byTime, byCPU float64 }

// throughput measures a fresh tunnel.
func throughput(counted bool, length time.Duration, flows, size int) (speed, error) {
	t, err := newTunnel(counted, flows, size)
	if err != nil {
		return speed{}, err
	}
	defer t.close()
	if err := t.warmUp(); err != nil {
		return speed{}, err
	}
	begin, cpu, before := time.Now(), cpuTime(), t.to.packets.Load()
	time.Sleep(length)
	n := float64(t.to.packets.Load() - before)
	return speed{n / time.Since(begin).Seconds(), n / (cpuTime() - cpu).Seconds()}, nil
}

// cpuTime returns the CPU time of this process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// profile returns the share of CPU time of flow logs in a counted run, as printed by the pprof tool.
func profile(length time.Duration, flows, size int) (string, error) {
	f, err := os.CreateTemp("", "cost-*.pprof")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return "", err
	}
	_, err = throughput(true, length, flows, size)
	pprof.StopCPUProfile()
	if err != nil {
		return "", err
	}
	// Leave out the frames of wgtun, which include the inner Read and Write.
	const ours = `netlog/(tunstats|flowtrack)|netlog\.\(\*Logger\)|netlog/logtail`
	out, err := exec.Command("go", "tool", "pprof", "-top", "-focus="+ours, f.Name()).Output()
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(bytes.TrimSpace(out))) {
		if _, share, ok := strings.Cut(line, "Showing nodes accounting for "); ok {
			return cmp.Or(strings.TrimSpace(share), "none"), nil
		}
	}
	return "none", nil
}
