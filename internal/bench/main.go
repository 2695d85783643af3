// Command bench measures netlog against other implementations, side by side in
// one run, on the same input, and prints ratios: absolute times differ from
// machine to machine and from minute to minute.
//
//	cd internal/bench && GOWORK=off go run . -run packets
//
// It is a module of its own, so that those who use the library do not depend on
// what the library is compared with.
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

// family is a set of measurements that -run names.
type family struct {
	name string
	run  func(t *table, rounds int)
}

func main() {
	families := []family{
		{"packets", packets},
		{"windows", windows},
		{"wire", wire},
	}
	names := make([]string, len(families))
	for i, f := range families {
		names[i] = f.name
	}
	run := flag.String("run", strings.Join(names, ","), "comma-separated families")
	rounds := flag.Int("rounds", 9, "alternating rounds; the median is printed")
	flag.Parse()
	for name := range strings.SplitSeq(*run, ",") {
		i := slices.Index(names, name)
		if i < 0 {
			fmt.Fprintf(os.Stderr, "bench: no family %q; there are %s\n", name, strings.Join(names, ", "))
			os.Exit(2)
		}
		fmt.Printf("%s: %s, %s/%s, %d CPUs, medians of %d alternating rounds\n",
			name, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), *rounds)
		t := &table{w: tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)}
		families[i].run(t, *rounds)
		t.w.Flush()
		fmt.Println()
	}
}

// table prints one row per measurement.
type table struct{ w *tabwriter.Writer }

func (t *table) row(cells ...string) {
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
	t.w.Flush()
}

// contender is one implementation: run does the work once and returns how many
// units of it there were.
type contender func() (units int)

// alternate runs the contenders in turn, rounds times after one to warm up, and
// returns the median time per unit of each. What disturbs the machine for a
// while so disturbs all of them.
func alternate(rounds int, contenders ...contender) []float64 {
	times := make([][]float64, len(contenders))
	for round := range rounds + 1 {
		for i, run := range contenders {
			runtime.GC()
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
		slices.Sort(t)
		medians[i] = t[len(t)/2]
	}
	return medians
}

func ns(v float64) string       { return fmt.Sprintf("%.1f", v) }
func ratio(a, b float64) string { return fmt.Sprintf("%.2f", a/b) }
