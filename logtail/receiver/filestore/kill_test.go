//go:build unix

package filestore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/killtest"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

// serve serves a store in the directory args[0], and prints its address.
func serve(args []string) error {
	// Small files, so that the kill falls into rotation and compression, too.
	files, err := filestore.Open(args[0], filestore.Options{MaxFileBytes: 32 << 10, MinFreeBytes: -1})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("listening", l.Addr())
	h := &receiver.Handler{Sink: files, Limits: receiver.Limits{MaxBytesPerHour: -1}}
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		time.Sleep(2 * time.Millisecond) // real: so that a kill takes the answer to what is stored
	}))
}

// TestKillStoresOnce kills a receiver under load, again and again on the same directory, while nodes send
// to it. A node sends a batch until it is answered 200, as the uploader does. In the end each entry must
// be stored exactly once.
func TestKillStoresOnce(t *testing.T) {
	killtest.Run(serve)
	rounds := killtest.Rounds(t, os.Getenv("NETLOG_KILLS"), 8)
	c := qt.New(t)
	dir := t.TempDir()
	var nodes [6]killNode
	var addr atomic.Value // of the receiver, a string
	addr.Store("")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	var answered atomic.Int64 // batches
	for n := range nodes {
		wg.Go(func() { nodes[n].run(ctx, c, n, &addr, &answered) })
	}
	for round := range rounds + 1 {
		p := killtest.Start(t, dir)
		word, at, _ := p.Line()
		c.Assert(word, qt.Equals, "listening", qt.Commentf("%s", at))
		before := answered.Load()
		addr.Store(at)
		for answered.Load() < before+10 && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(round*37%200) * time.Millisecond) // real: the kill comes from outside
		if round == rounds {
			stop()
			wg.Wait() // for the answers to the last batches
		}
		p.Kill()
		p.Wait()
	}
	files := storetest.Open(c, dir, filestore.Options{})
	c.Assert(files.Close(), qt.IsNil)
	_, lines := storetest.Tree(c, dir)
	found := make(map[string]int)
	for _, line := range lines {
		var e struct{ Key string }
		c.Assert(json.Unmarshal([]byte(line), &e), qt.IsNil, qt.Commentf("%s", line))
		found[e.Key]++
	}
	sent, again := 0, 0
	for n := range nodes {
		for i := range nodes[n].entries {
			if key := entryKey(n, i); found[key] != 1 {
				t.Errorf("entry %s is stored %d times", key, found[key])
			}
		}
		sent += nodes[n].entries
		again += nodes[n].again
	}
	c.Check(found, qt.HasLen, sent)
	t.Logf("%d kills, %d entries, %d of them sent again", rounds, sent, again)
}

// killNode is a node of TestKillStoresOnce.
type killNode struct{ entries, again int } // sent, and sent again after a failure

// run sends batches, each until it is answered 200, until ctx ends. It counts them.
func (k *killNode) run(ctx context.Context, c *qt.C, n int, addr *atomic.Value, answered *atomic.Int64) {
	client := &http.Client{Transport: new(http.Transport), Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	id, _ := secrettest.NewID().MarshalText()
	for ctx.Err() == nil {
		const size = 3 // entries of a batch
		var body strings.Builder
		for range size {
			key := entryKey(n, k.entries)
			body.WriteString(storetest.Entry(n, k.entries, `,"key":"`+key+`","fill":"`+strings.Repeat(key, 30)+`"`))
			k.entries++
		}
		for {
			resp, err := client.Post(fmt.Sprintf("http://%s/c/c/%s", addr.Load(), id), "", strings.NewReader(body.String()))
			if err == nil {
				resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					answered.Add(1)
					break
				}
				c.Errorf("answered %d", resp.StatusCode)
				return
			}
			k.again += size
			time.Sleep(time.Millisecond) // real: until the next receiver listens
		}
	}
}

// entryKey identifies entry i of node n.
func entryKey(n, i int) string { return fmt.Sprintf("%d-%d", n, i) }
