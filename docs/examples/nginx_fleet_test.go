package examples_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
)

// TestNginxReceiverKilled kills one of two real receivers behind nginx and starts it again, while nodes send. Their
// entries are all stored, some perhaps in both receivers. "netlog fmt" with the files of both counts each once.
func TestNginxReceiverKilled(t *testing.T) {
	engines(t)
	nginx := findNginx(t)
	bin := buildNetlog(t)
	one, two := newServe(t, bin), newServe(t, bin)
	port, pool, _, _ := startNginx(t, nginx, "http://"+one.addr, "http://"+two.addr)

	const nodes, entries = 24, 1500
	transport := logtail.NewTransport()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	var group sync.WaitGroup
	for range nodes {
		l, err := logtail.NewLogger(logtail.Config{
			BaseURL: "https://localhost:" + port, HTTPClient: &http.Client{Transport: transport},
			PrivateID: secrettest.NewID(), Collection: "netlog",
		})
		qt.Assert(t, err, qt.IsNil)
		group.Go(func() {
			for i := range entries {
				fmt.Fprintf(l, `{"start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:05Z","exitTraffic":[{"txPkts":1,"txBytes":%d}]}`, i)
				time.Sleep(10 * time.Millisecond)
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			qt.Check(t, l.Shutdown(ctx), qt.IsNil)
		})
	}
	one.awaitMore(t)
	one.kill(t)
	two.awaitMore(t)
	one.start(t)
	one.awaitMore(t) // nginx tries it again after ten seconds
	group.Wait()
	text, err := secrettest.NewID().MarshalText()
	qt.Assert(t, err, qt.IsNil)
	for _, s := range []*serve{one, two} { // as a node does whose first answer was lost
		entry := strings.NewReader(`{"logtail":{"proc_id":1,"proc_seq":1},"exitTraffic":[{"txPkts":1}]}`)
		resp, err := http.Post("http://"+s.addr+"/c/netlog/"+string(text), "", entry)
		qt.Assert(t, err, qt.IsNil)
		resp.Body.Close()
		qt.Assert(t, resp.StatusCode, qt.Equals, 200)
	}
	one.stop(t)
	two.stop(t)

	stored, count := make(map[string]int), 0
	for _, s := range []*serve{one, two} {
		here := lines(t, bin, "fmt", "-json", s.dir)
		qt.Check(t, len(here) > 0, qt.IsTrue, qt.Commentf("a receiver got nothing"))
		for _, line := range here {
			stored[line]++
			count++
		}
	}
	const want = nodes*entries + 1 // the last one was sent to both
	t.Logf("%d entries of %d nodes sent; %d stored, %d of them in both receivers", want, nodes+1, count, count-len(stored))
	qt.Check(t, stored, qt.HasLen, want)
	qt.Check(t, count > want, qt.IsTrue)
	qt.Check(t, lines(t, bin, "fmt", "-json", one.dir, two.dir), qt.HasLen, want)
}

// lines returns for each record that a command prints its sender, process and number.
func lines(t *testing.T, bin string, args ...string) (all []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bin, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	qt.Assert(t, err, qt.IsNil, qt.Commentf("%s", errs.String()))
	for line := range strings.Lines(string(out)) {
		var e struct {
			Logtail struct {
				ID      string
				ProcID  uint32 `json:"proc_id"`
				ProcSeq uint64 `json:"proc_seq"`
			}
		}
		qt.Assert(t, json.Unmarshal([]byte(line), &e), qt.IsNil)
		all = append(all, fmt.Sprintf("%s %d %d", e.Logtail.ID, e.Logtail.ProcID, e.Logtail.ProcSeq))
	}
	return all
}

// serve is a process "netlog serve" on loopback.
type serve struct {
	bin, addr, dir string
	cmd            *exec.Cmd
}

func newServe(t *testing.T, bin string) *serve {
	t.Helper()
	s := &serve{bin: bin, addr: "127.0.0.1:" + freePort(t), dir: filepath.Join(t.TempDir(), "flows")}
	s.start(t)
	return s
}

// start starts the process and waits until it answers.
func (s *serve) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command(s.bin, "serve", "-addr", s.addr, "-dir", s.dir, "-ui", "off")
	qt.Assert(t, s.cmd.Start(), qt.IsNil)
	cmd := s.cmd
	t.Cleanup(func() { cmd.Process.Kill() })
	for range 1000 {
		if resp, err := http.Get("http://" + s.addr + "/healthz"); err == nil {
			resp.Body.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("netlog serve does not answer")
}

// awaitMore waits until much more is stored than now.
func (s *serve) awaitMore(t *testing.T) {
	t.Helper()
	size := func() (sum int64) {
		files, _ := filepath.Glob(filepath.Join(s.dir, "netlog", "*"))
		for _, f := range files {
			if info, err := os.Stat(f); err == nil {
				sum += info.Size()
			}
		}
		return sum
	}
	now := size()
	for range 3000 {
		if size() > now+50_000 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s stores nothing", s.addr)
}

func (s *serve) kill(t *testing.T) {
	t.Helper()
	qt.Assert(t, s.cmd.Process.Kill(), qt.IsNil)
	s.cmd.Wait()
}

func (s *serve) stop(t *testing.T) {
	t.Helper()
	qt.Assert(t, s.cmd.Process.Signal(os.Interrupt), qt.IsNil)
	qt.Check(t, s.cmd.Wait(), qt.IsNil)
}
