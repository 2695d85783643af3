// Command bench measures netlog against other implementations, side by side in
// one run, on the same input, and prints ratios: absolute times differ from
// machine to machine and from minute to minute.
//
//	cd internal/bench && GOWORK=off go run . -run packets
//
// It is a module of its own, so that those who use the library do not depend on
// what it is compared with.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// families are the sets of measurements that -run can name.
func families() []family {
	return []family{
		{"packets", packets},
		{"flows", flows},
		{"windows", windows},
		{"wire", wire},
		{"size", size},
	}
}

// family prints its measurements as rows of a table.
type family struct {
	name string
	run  func(t *table, rounds int)
}

func main() {
	var names []string
	for _, f := range families() {
		names = append(names, f.name)
	}
	run := flag.String("run", strings.Join(names, ","), "comma-separated families")
	rounds := flag.Int("rounds", 31, "alternating rounds, of which the median is printed")
	flag.Parse()
	for name := range strings.SplitSeq(*run, ",") {
		i := slices.Index(names, name)
		if i < 0 {
			fmt.Fprintf(os.Stderr, "bench: no family %q; there are %s\n", name, strings.Join(names, ", "))
			os.Exit(2)
		}
		fmt.Printf("%s: %s %s/%s, %d CPUs (%s), medians of %d alternating rounds\n",
			name, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), cpu(), *rounds)
		t := &table{w: tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)}
		families()[i].run(t, *rounds)
		t.w.Flush()
		fmt.Println()
	}
}

// cpu returns the model of the processor where the system tells it in a file.
func cpu() string {
	b, _ := os.ReadFile("/proc/cpuinfo") // elsewhere there is none, and the name is missing
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown model"
}

// table prints one row per measurement, all aligned at the end.
type table struct{ w *tabwriter.Writer }

func (t *table) row(cells ...string) {
	fmt.Fprintln(t.w, strings.Join(cells, "\t")+"\t")
}

// contender is one implementation: it does its work once and returns how many
// units of work that was.
type contender func() (units int)

// alternate runs the contenders in turn, once to warm up and then rounds times,
// and returns the median nanoseconds per unit of each. What disturbs the machine
// for a while so disturbs all of them.
func alternate(rounds int, contenders ...contender) []float64 {
	times := make([][]float64, len(contenders))
	for round := range rounds + 1 {
		for i, run := range contenders {
			start := time.Now()
			units := run()
			elapsed := time.Since(start)
			if round > 0 {
				times[i] = append(times[i], float64(elapsed.Nanoseconds())/float64(units))
			}
		}
	}
	medians := make([]float64, len(contenders))
	for i, t := range times {
		medians[i] = median(t)
	}
	return medians
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

func ns(v float64) string       { return fmt.Sprintf("%.1f", v) }
func ratio(a, b float64) string { return fmt.Sprintf("%.2f", a/b) }
