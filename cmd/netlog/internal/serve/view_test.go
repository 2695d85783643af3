package serve

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/logtail/receiver"
)

func noStats() receiver.Stats { return receiver.Stats{} }

// shownAtTheEnd has v show what it was given.
func shownAtTheEnd(v *view, name func(string) string) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	v.run(ctx, noStats, name)
}

// TestViewSlowReaderMissesEntries checks that a slow reader is told how many entries it
// missed, and sees later ones.
func TestViewSlowReaderMissesEntries(t *testing.T) {
	var stdout, stderr clitest.Output
	v := newView(&stdout, &stderr, false)
	name := func(string) string { return "" }
	large := fmt.Appendf(nil, `{"a":"%s"}`, strings.Repeat("x", 1<<20))
	v.add([][]byte{large, large, large})
	for range 17 {
		v.add([][]byte{large})
	}
	shownAtTheEnd(v, name)
	const fit = 15 // in 16 MiB
	qt.Check(t, strings.Count(stdout.String(), "\n"), qt.Equals, fit)
	qt.Check(t, stderr.String(), qt.Equals, fmt.Sprintf("netlog serve: %d entries stored but not shown: the reader is too slow\n", 20-fit))
	v.add([][]byte{[]byte(`{"text":"later"}`)})
	shownAtTheEnd(v, name)
	qt.Check(t, strings.Count(stdout.String(), "\n"), qt.Equals, fit+1)
	qt.Check(t, strings.HasSuffix(stdout.String(), "later\n"), qt.IsTrue)
	qt.Check(t, strings.Count(stderr.String(), "\n"), qt.Equals, 1)
}

// TestViewLinePerEntry checks the line of every stored entry, whatever it contains.
func TestViewLinePerEntry(t *testing.T) {
	id, other := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	names := map[string]string{other: "web"}
	for _, test := range []struct{ id, entry, want string }{
		{id, `,"text":" hello\n"`, "abababababab  hello"},
		{other, `,"exitTraffic":[{"txBytes":3},{"rxBytes":4}],"virtualTraffic":[]`, "web  exit: 2 flows, tx 3 B, rx 4 B"},
		{id, `,"exitTraffic":[{"txBytes":18446744073709551615},{"txBytes":2}]`, "abababababab  exit: 2 flows, tx 18446744073709551615 B, rx 0 B"},
		{other, `,"deniedTraffic":[{"proto":6,"rxBytes":60,"rxFlags":2}]`, "web  denied: 1 flow, tx 0 B, rx 60 B"},
		{id, `,"nodeId":"n1"`, "abababababab"},
		{id, `,"nodeId":"` + id + `"`, "abababababab"},
		{id, `,"nodeId":"` + strings.ToUpper(id) + `"`, "abababababab"},
		{id, `,"nodeId":"` + other + `"`, "abababababab (claims to be cdcdcdcdcdcd)"},
		{id, `,"exitTraffic":[{"txPkts":1,"txBytes":9}],"lostPackets":3`, "abababababab  exit: 1 flow, tx 9 B, rx 0 B  3 packets lost"},
		{id, `,"event":"peer","peer":{"publicKey":"k","state":"disconnected","endpoint":"192.0.2.7:1"}`, "abababababab  peer k disconnected"},
		{other, `,"event":"peer","peer":{"name":"a","state":"moved","endpoint":"192.0.2.7:1"}`, "web  peer a moved to 192.0.2.7:1"},
		{other, `,"event":"another"`, "web"},
		{id, `,"text":5`, "abababababab  an entry of another form"},
		{other, `,"exitTraffic":[{"proto":300}],"text":"x"`, "web  an entry of another form"},
	} {
		var stdout, stderr clitest.Output
		v := newView(&stdout, &stderr, false)
		v.add([][]byte{fmt.Appendf(nil, `{"logtail":{"id":%q,"server_time":"2026-11-22T10:00:00.5Z"}%s}`, test.id, test.entry)})
		shownAtTheEnd(v, func(id string) string { return names[id] })
		qt.Check(t, stdout.String(), qt.Equals, "2026-11-22T10:00:00Z "+test.want+"\n", qt.Commentf("%s", test.entry))
		qt.Check(t, stderr.String(), qt.Equals, "")
	}
}

// TestViewFullDisk: what cannot be written to stdout is said once, and said again after it worked for a minute.
func TestViewFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stdout, stderr clitest.Output
		name := func(string) string { return "" }
		v := newView(clitest.FullDisk{}, &stderr, true)
		const want = "netlog serve: what is stored cannot be printed: "
		for range 100 {
			v.add([][]byte{[]byte(`{"text":"a"}`)})
			shownAtTheEnd(v, name)
		}
		qt.Check(t, strings.Count(stderr.String(), want), qt.Equals, 1)
		v.stdout = &stdout
		v.add([][]byte{[]byte(`{"text":"b"}`)})
		shownAtTheEnd(v, name)
		qt.Check(t, stdout.String(), qt.Equals, `{"text":"b"}`+"\n")
		time.Sleep(time.Minute)
		v.stdout = clitest.FullDisk{}
		v.add([][]byte{[]byte(`{"text":"c"}`)})
		shownAtTheEnd(v, name)
		qt.Check(t, strings.Count(stderr.String(), want), qt.Equals, 2)
	})
}

// TestViewLiveTableForgets checks that the table forgets entries older than a minute, and
// the oldest if they are too many.
func TestViewLiveTableForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stdout, stderr clitest.Output
		v := newView(&stdout, &stderr, false)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { v.runLive(ctx, noStats, func(string) string { return "" }) })
		entry := func(name string, size int) []byte {
			return fmt.Appendf(nil, `{"nodeId":%q,"text":"%s","exitTraffic":[{"txBytes":1}]}`, name, strings.Repeat("x", size))
		}
		for _, step := range []struct {
			add  [][]byte
			wait time.Duration
			want string
		}{
			{[][]byte{entry("a", 1)}, 10 * time.Second, "a"},
			{[][]byte{entry("b", 1)}, 30 * time.Second, "a b"},
			{[][]byte{entry("c", 1)}, 25 * time.Second, "b c"},
			{nil, 6 * time.Second, "c"},
			{[][]byte{entry("large", maxLive-200)}, time.Second, "c large"},
			{[][]byte{entry("d", 70)}, time.Second, "d large"},
			{[][]byte{entry("larger", maxLive)}, time.Second, ""},
			{[][]byte{entry("e", 1)}, time.Minute - time.Second, "e"},
			{nil, 2 * time.Second, ""},
		} {
			v.add(step.add)
			time.Sleep(step.wait)
			synctest.Wait()
			var table flowtable.Table
			v.recent.AddTo(&table)
			var got []string
			for _, r := range table.Rows() {
				got = append(got, r.Reporter)
			}
			slices.Sort(got)
			qt.Check(t, strings.Join(got, " "), qt.Equals, step.want)
		}
		cancel()
		wg.Wait()
	})
}
