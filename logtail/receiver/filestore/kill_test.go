//go:build unix

package filestore_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
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
	return http.Serve(l, &receiver.Handler{Sink: files, Limits: receiver.Limits{MaxBytesPerHour: -1}})
}

// TestKillLosesNothingAcknowledged kills a receiver under load, again and again on the same directory.
// Each entry that was answered 200 must be stored exactly once, and no entry that was not sent.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	killtest.Run(serve)
	rounds := killtest.Rounds(t, os.Getenv("NETLOG_KILLS"), 3)
	c := qt.New(t)
	dir := t.TempDir()
	answered := make(map[string]bool) // false: sent, but not answered
	for round := range rounds {
		killRound(c, dir, round, answered)
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
	stored := 0
	for key, yes := range answered {
		if n := found[key]; yes && n != 1 || n > 1 {
			t.Errorf("%s: answered %v, stored %d times", key, yes, n)
		}
		if yes {
			stored++
		}
		delete(found, key)
	}
	c.Check(found, qt.HasLen, 0, qt.Commentf("never sent"))
	c.Check(stored > 20*rounds, qt.IsTrue, qt.Commentf("%d entries", stored))
	t.Logf("%d kills, %d entries answered 200", rounds, stored)
}

// killRound runs a receiver, sends entries to it, and kills it after a time that differs from round
// to round.
func killRound(c *qt.C, dir string, round int, answered map[string]bool) {
	p := killtest.Start(c, dir)
	word, addr, _ := p.Line()
	c.Assert(word, qt.Equals, "listening", qt.Commentf("%s", addr))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for node := range 4 {
		wg.Go(func() {
			id, _ := secrettest.NewID().MarshalText()
			url := fmt.Sprintf("http://%s/c/c/%s", addr, id)
			for n := 0; ; n += 3 {
				var keys []string
				var body strings.Builder
				for i := range 3 {
					key := fmt.Sprintf("%d-%d-%d", round, node, n+i)
					keys = append(keys, key)
					body.WriteString(storetest.Entry(node, n+i, `,"key":"`+key+`","fill":"`+strings.Repeat(key, 30)+`"`))
				}
				resp, err := client.Post(url, "", strings.NewReader(body.String()))
				if err == nil {
					resp.Body.Close()
				}
				mu.Lock()
				for _, key := range keys {
					answered[key] = err == nil && resp.StatusCode == 200
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	time.Sleep(time.Duration(50+round*37%200) * time.Millisecond) // real: the kill comes from outside
	p.Kill()
	wg.Wait()
	p.Wait()
}
