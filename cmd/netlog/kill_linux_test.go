package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/killtest"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/internal/secrettest"
)

// TestServeKillStoresOnce kills serve under load, and starts it again on the same directory. Each node sends
// a batch until it is answered 200, as the uploader does. In the end each entry must be stored once.
func TestServeKillStoresOnce(t *testing.T) {
	const nodes, size = 6, 3 // size is that of a batch in entries
	rounds := killtest.Rounds(t, os.Getenv("NETLOG_KILLS"), 3)
	c := qt.New(t)
	dir := c.TempDir()
	var url atomic.Value // of the running server, a string
	url.Store("")
	var stop atomic.Bool
	var sent, again [nodes]int // in entries
	var senders sync.WaitGroup
	for n := range nodes {
		senders.Go(func() {
			client := &http.Client{Transport: new(http.Transport), Timeout: 10 * time.Second}
			defer client.CloseIdleConnections()
			id, _ := secrettest.NewID().MarshalText()
			for !stop.Load() {
				var batch strings.Builder
				for range size {
					sent[n]++
					fmt.Fprintf(&batch, `{"logtail":{"client_time":"2026-11-22T10:00:00Z","proc_id":%d,"proc_seq":%d},"text":"x"}`+"\n", n+1, sent[n])
				}
				for !post(client, fmt.Sprintf("%s/c/netlog/%s", url.Load(), id), batch.String()) {
					again[n] += size
					time.Sleep(5 * time.Millisecond) // real, like the server
				}
			}
		})
	}
	for round := range rounds + 1 {
		cmd, _, stderr := startChild(c, "serve", "-ui", "off", "-min-free", "0", "-addr", "127.0.0.1:0", "-dir", dir)
		url.Store(stderr.Await(c, `(http://[0-9.:]+)`)[1])
		time.Sleep(time.Duration(50+round*37%200) * time.Millisecond) // real: the kill comes from outside
		if round == rounds {
			stop.Store(true)
			senders.Wait() // for the answers to the last batches
		}
		c.Assert(cmd.Process.Kill(), qt.IsNil)
		cmd.Wait()
	}

	stored := make(map[[2]uint64]int)
	in := records.Input{Paths: []string{dir}}
	for rec, err := range in.Records() {
		if err == nil { // a torn line is an entry that was not answered
			stored[[2]uint64{uint64(rec.Logtail.ProcID), rec.Logtail.ProcSeq}]++
		}
	}
	total, repeated := 0, 0
	for n := range nodes {
		total, repeated = total+sent[n], repeated+again[n]
		for seq := 1; seq <= sent[n]; seq++ {
			if times := stored[[2]uint64{uint64(n + 1), uint64(seq)}]; times != 1 {
				t.Errorf("entry %d of node %d is stored %d times", seq, n+1, times)
			}
		}
	}
	c.Check(stored, qt.HasLen, total)
	t.Logf("%d kills, %d entries, %d sent again", rounds, total, repeated)
}

// post reports whether body was accepted.
func post(client *http.Client, url, body string) bool {
	resp, err := client.Post(url, "application/x-ndjson", strings.NewReader(body))
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
