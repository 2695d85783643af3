//go:build unix

// Command cost measures what counting costs a wireguard-go tunnel: packets through
// two devices over UDP on the loopback interface, with flow logs and without, in
// alternating pairs, and the share of the CPU that went into them.
//
// The host side of both devices is memory, in batches of 128, which is faster than
// any interface of a kernel. So the share of counting is the largest there can be.
// On a machine that does other work too, packets by CPU time are the number to trust.
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
			mode := (pair + turn) % 2 // which of the two comes first alternates too
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

// median writes the middle of the numbers, and the quartiles. It sorts them.
func median(all []float64) string {
	slices.Sort(all)
	n := len(all)
	return fmt.Sprintf("%.3f (%.3f to %.3f)", (all[n/2]+all[(n-1)/2])/2, all[n/4], all[(n-1)*3/4])
}

// speed is how many packets come out of a tunnel.
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

// cpuTime returns what this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// profile returns the share of the CPU that a counted run spends on flow logs, as
// the pprof tool words it.
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
	// The frames of wgtun are left out: the inner Read and Write are below them.
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
