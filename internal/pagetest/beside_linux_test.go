package pagetest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// TestStoringBesidePages measures what a page costs the server while it stores as fast as it can: without a page, once
// more without one, with a page that nobody looks at, and with five that are open. They take turns, in another order each
// round, and each is compared with the first of its round. So what else the machine does changes all of them alike, and
// the ratio of the two without a page shows how much remains of it. The five are clients that ask for what a page asks,
// since browsers would take the processors from the server. Files on a disk are a noise too: TMPDIR may be one in memory.
func TestStoringBesidePages(t *testing.T) {
	c := qt.New(t)
	needLoad(c)
	const nodes, flows, rounds, pages, span = 32, 1600, 24, 5, 2 * time.Second
	m, links := largeMesh(nodes), many(nodes, flows)
	names := []string{"off", "off again", "unseen", "five open"}
	var servers []*served
	for _, name := range names {
		ui := "127.0.0.1:0"
		if strings.HasPrefix(name, "off") {
			ui = "off"
		}
		servers = append(servers, serve(c, filepath.Join(c.TempDir(), "flows"), "-quota", "0", "-new-nodes", "0", "-max-size", "200MB", "-ui", ui))
	}
	var loads atomic.Int64
	for i := range pages {
		go look(c.Context(), servers[3].page, fmt.Sprintf("range=1h&limit=%d", 100+i), &loads)
	}
	rates, costs := make([][]float64, len(names)), make([][]float64, len(names)) // entries a second, seconds of the processor an entry
	for _, s := range servers {
		store(c, s, m, links, span/4)
	}
	for range rounds {
		rate, cost := make([]float64, len(names)), make([]float64, len(names))
		for _, i := range rand.Perm(len(names)) {
			before := cpu(servers[i])
			rate[i] = store(c, servers[i], m, links, span)
			cost[i] = (cpu(servers[i]) - before) / (rate[i] * span.Seconds())
		}
		for i := range names {
			rates[i], costs[i] = append(rates[i], rate[i]), append(costs[i], cost[i])
		}
	}
	for i, name := range names {
		t.Logf("%-9s %6.0f entries/s, %.1f us of the processor for each; as ratios to off: entries/s %v, processor %v",
			name, middle(rates[i]), middle(costs[i])*1e6, paired(rates[i], rates[0]), paired(costs[i], costs[0]))
	}
	t.Logf("the pages loaded %d times", loads.Load())
	c.Check(loads.Load() > pages*rounds, qt.IsTrue)
}

// middle returns the median.
func middle(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return (list[len(list)/2] + list[(len(list)-1)/2]) / 2
}

// paired describes the ratios of a to b: their median and quartiles, and the ratio of the sums.
func paired(a, b []float64) string {
	var ratios []float64
	sumA, sumB := 0.0, 0.0
	for i := range a {
		ratios = append(ratios, a[i]/b[i])
		sumA, sumB = sumA+a[i], sumB+b[i]
	}
	slices.Sort(ratios)
	return fmt.Sprintf("%.3f (%.3f to %.3f, of the sums %.3f)", middle(ratios), ratios[len(ratios)/4], ratios[len(ratios)*3/4], sumA/sumB)
}

// cpu returns the processor time of the server in seconds. Unlike its speed, it hardly depends on what else the machine
// does.
func cpu(s *served) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')'):]))
	user, _ := strconv.Atoi(fields[12])
	system, _ := strconv.Atoi(fields[13])
	return float64(user+system) / 100
}

// look asks for what a page with a query asks, until ctx ends.
func look(ctx context.Context, page, query string, loads *atomic.Int64) {
	get := func(path string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, "GET", page+path, nil)
		if err != nil {
			return nil, err
		}
		return http.DefaultClient.Do(r)
	}
	events, err := get("events")
	if err != nil {
		return
	}
	defer events.Body.Close()
	for lines := bufio.NewScanner(events.Body); lines.Scan(); {
		if lines.Text() != "event: news" {
			continue
		}
		if resp, err := get("data.json?" + query); err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			loads.Add(1)
		}
	}
}

// store sends entries of all nodes at once, as fast as it can, and returns how many a second were stored.
func store(c *qt.C, s *served, m *mesh, links []link, span time.Duration) float64 {
	c.Helper()
	const batch = 20
	begin := time.Now()
	var stored atomic.Int64
	var senders sync.WaitGroup
	for node, message := range m.messages(begin, links) {
		text, err := m.ids[node].MarshalText()
		c.Assert(err, qt.IsNil)
		url := s.url + "/c/netlog/" + string(text)
		before, after, _ := bytes.Cut(m.entry(node, message, time.Time{}), fmt.Appendf(nil, `"proc_seq":%d`, m.seqs[node]))
		senders.Go(func() {
			for time.Since(begin) < span {
				var body bytes.Buffer
				for range batch {
					m.seqs[node]++
					fmt.Fprintf(&body, `%s"proc_seq":%d%s`, before, m.seqs[node], after)
				}
				resp, err := http.Post(url, "application/json", &body)
				if err != nil || resp.StatusCode != http.StatusOK {
					c.Errorf("%v %v", resp, err)
					return
				}
				resp.Body.Close()
				stored.Add(batch)
			}
		})
	}
	senders.Wait()
	return float64(stored.Load()) / time.Since(begin).Seconds()
}
