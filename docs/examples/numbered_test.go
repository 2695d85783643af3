package examples_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// numbered makes entries of the nodes a and b, numbered from 0, and says what engines must return for them.
// The window of entry n begins n nanoseconds after first. In entry n, a has sent 2^64-1-n bytes to one of
// eight ports of b, and b has received n bytes from a. In every hundredth entry, b has refused a connection
// of a.
type numbered struct{ first time.Time }

// newNumbered returns entries of windows in the last hour.
func newNumbered() numbered {
	return numbered{time.Now().Add(-10 * time.Minute).UTC().Truncate(time.Second)}
}

// members returns the members of entry n of a node.
func (e numbered) members(node byte, n int64) string {
	start := e.first.Add(time.Duration(n))
	text := fmt.Sprintf(`"nodeId":"%c","start":%q,"end":%q,"virtualTraffic":[`,
		node, start.Format(time.RFC3339Nano), start.Add(5*time.Second).Format(time.RFC3339Nano))
	if node == 'b' {
		return text + fmt.Sprintf(`{"proto":17,"src":"100.64.0.2:%d","dst":"100.64.0.1:4000","rxBytes":%d}]`, n%8, n)
	}
	text += fmt.Sprintf(`{"proto":17,"src":"100.64.0.1:4000","dst":"100.64.0.2:%d","txBytes":%d}`, n%8, ^uint64(n))
	if n%100 == 0 {
		text += `,{"proto":6,"src":"100.64.0.1:4001","dst":"100.64.0.2:9","txBytes":60,"rxBytes":40,"txFlags":2,"rxFlags":4}`
	}
	return text + "]"
}

// answers are what queries return for the first count entries of nodes if each is there once.
type answers struct {
	Flows   []string // sorted: node, start in nanoseconds, tx_bytes, rx_bytes
	Largest []string // the eight largest flows: protocol, both ends, bytes
	Refused []string // the refused connections of a: who refused it, class, protocol, from, to
	Stored  string   // what the engine stores, for the log
}

// answers returns the answers for entries of nodes, which are letters.
func (e numbered) answers(nodes string, count int64) (want answers) {
	var sums [8]big.Int
	for n := range count {
		at := e.first.UnixNano() + n
		want.Flows = append(want.Flows, fmt.Sprintf("a %d %d 0", at, ^uint64(n)))
		if n%100 == 0 {
			want.Flows = append(want.Flows, fmt.Sprintf("a %d 60 40", at))
			want.Refused = append(want.Refused, "peer virtual 6 100.64.0.1:4001 100.64.0.2:9")
		}
		if strings.Contains(nodes, "b") {
			want.Flows = append(want.Flows, fmt.Sprintf("b %d 0 %d", at, n))
		}
		s := &sums[n%8]
		s.Add(s, new(big.Int).SetUint64(^uint64(n)))
	}
	slices.Sort(want.Flows)
	ports := []int{0, 1, 2, 3, 4, 5, 6, 7}
	slices.SortStableFunc(ports, func(i, j int) int { return sums[j].Cmp(&sums[i]) })
	for _, i := range ports {
		want.Largest = append(want.Largest, fmt.Sprintf("17 100.64.0.1:4000 100.64.0.2:%d %s", i, &sums[i]))
	}
	return want
}

// checkAnswers checks the last line that a script printed: an object of answers.
func (e numbered) checkAnswers(t *testing.T, out, nodes string, count int64) (got answers) {
	t.Helper()
	out = strings.TrimSpace(out)
	out = out[strings.LastIndex(out, "\n")+1:]
	qt.Assert(t, json.Unmarshal([]byte(letters(out)), &got), qt.IsNil, qt.Commentf("%.1000s", out))
	want := e.answers(nodes, count)
	slices.Sort(got.Flows)
	for i := range min(len(got.Flows), len(want.Flows)) {
		comment := qt.Commentf("row %d: %d rows, want %d", i, len(got.Flows), len(want.Flows))
		qt.Assert(t, got.Flows[i], qt.Equals, want.Flows[i], comment)
	}
	qt.Check(t, len(got.Flows), qt.Equals, len(want.Flows))
	qt.Check(t, got.Largest, qt.DeepEquals, want.Largest)
	qt.Check(t, got.Refused, qt.DeepEquals, want.Refused)
	t.Logf("%d entries of each node, %d flows once; the engine stores %s", count, len(got.Flows), got.Stored)
	return got
}
