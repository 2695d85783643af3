//go:build unix

package filestore_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

const childEnv = "NETLOG_TEST_CHILD" // the directory of a process to be killed

// TestKilledChild is the process that the next test kills.
func TestKilledChild(t *testing.T) {
	dir := os.Getenv(childEnv)
	if dir == "" {
		t.Skip("runs as the child of TestNothingAnsweredIsLostInAKill")
	}
	// Small files, so that the kill falls into rotation and compression, too.
	files, err := filestore.Open(dir, filestore.Options{MaxFileBytes: 32 << 10, MinFreeBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("listening", l.Addr())
	t.Fatal(http.Serve(l, &receiver.Handler{Sink: files, Limits: receiver.Limits{MaxBytesPerHour: -1}}))
}

// TestNothingAnsweredIsLostInAKill kills a receiver under load, again and again on the
// same directory, and finds each entry that was answered 200 exactly once, and
// none that was not sent. NETLOG_KILLS asks for more rounds.
func TestNothingAnsweredIsLostInAKill(t *testing.T) {
	rounds := 3
	if s := os.Getenv("NETLOG_KILLS"); s != "" {
		var err error
		if rounds, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
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

// killRound runs one child, loads it, and kills it after a while that differs from
// round to round.
func killRound(c *qt.C, dir string, round int, answered map[string]bool) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledChild$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	c.Assert(err, qt.IsNil)
	c.Assert(cmd.Start(), qt.IsNil)
	addr := ""
	for sc := bufio.NewScanner(out); addr == "" && sc.Scan(); {
		addr, _ = strings.CutPrefix(sc.Text(), "listening ")
		if addr == sc.Text() {
			addr = ""
		}
	}
	c.Assert(addr, qt.Not(qt.Equals), "")

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
	c.Assert(cmd.Process.Kill(), qt.IsNil)
	wg.Wait()
	cmd.Wait() // "signal: killed", which is what was asked for
}
