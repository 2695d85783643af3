package logtail_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/spool"
)

// childEnv makes this binary the process that TestKill kills: it logs over the
// spool in that directory, to the server of childEnv_URL, numbers from
// childEnv_FROM on.
const childEnv = "NETLOG_LOGTAIL_CHILD"

// killID is the identity of all processes of one test.
var killID = logtail.PrivateID([]byte(secrettest.Marker + "killkill"))

// killedChild writes until it is killed, and tells each entry on standard output
// when it was accepted.
func killedChild(dir string) {
	fail := func(err error) {
		fmt.Println("error", err)
		os.Exit(1)
	}
	buf, err := spool.Open(dir, killID.Public(), spool.Options{MaxBytes: 1 << 30})
	if err != nil {
		fail(err)
	}
	cfg := testConfig()
	cfg.PrivateID, cfg.Buffer, cfg.BaseURL = killID, buf, os.Getenv(childEnv+"_URL")
	cfg.Logf = func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	l, err := logtail.NewLogger(cfg)
	if err != nil {
		fail(err)
	}
	from, _ := strconv.Atoi(os.Getenv(childEnv + "_FROM"))
	r := rand.New(rand.NewPCG(uint64(from), 1))
	fmt.Println("started", l.Stats().DroppedEntries)
	for n := from; ; n++ {
		if _, err := fmt.Fprintf(l, `{"n":%d,"pad":%q}`, n, strings.Repeat("x", r.IntN(3000))); err != nil {
			fmt.Println("refused", n)
			continue
		}
		fmt.Println("accepted", n)
		if r.IntN(20) == 0 { // what was left by the one before does not wait either
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(r.IntN(30))*time.Millisecond)
			l.Flush(ctx)
			cancel()
		}
	}
}

// arrivals is a Sink that keeps the numbers of what arrives.
type arrivals struct {
	mu      sync.Mutex
	ns      []int
	dropped uint64 // that the stream tells of
}

func (a *arrivals) Store(_ context.Context, b receiver.Batch) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, raw := range b.Entries {
		var e entry
		if err := json.Unmarshal(raw, &e); err != nil {
			return err
		}
		if e.N != nil {
			a.ns = append(a.ns, *e.N)
		}
		a.dropped += e.DroppedEntries
	}
	return nil
}

// TestKill kills a process that logs through a spool to a real server, at a
// random instant, again and again: whatever it accepted arrives, in order. The
// server is down now and then, and sometimes stores what it does not answer.
// NETLOG_KILLS asks for more rounds.
func TestKill(t *testing.T) {
	rounds := 30
	if n, err := strconv.Atoi(os.Getenv("NETLOG_KILLS")); err == nil {
		rounds = n
	}
	c := qt.New(t)
	dir := t.TempDir()
	var sink arrivals
	var faults = rand.New(rand.NewPCG(1, 1))
	var mu sync.Mutex // guards faults and down
	down := false
	h := &receiver.Handler{Sink: &sink, Limits: receiver.Limits{MaxBytesPerHour: -1}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		down, lost := down, faults.IntN(20) == 0
		mu.Unlock()
		switch {
		case down:
			w.WriteHeader(http.StatusServiceUnavailable)
		case lost:
			h.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		default:
			h.ServeHTTP(w, r)
		}
	}))
	defer srv.Close()

	var accepted []int
	for round := range rounds {
		mu.Lock()
		down = round%5 == 4
		mu.Unlock()
		accepted = append(accepted, killRound(t, dir, srv.URL, round)...)
	}
	mu.Lock()
	down = false
	mu.Unlock()

	buf, err := spool.Open(dir, killID.Public(), spool.Options{MaxBytes: 1 << 30})
	c.Assert(err, qt.IsNil)
	defer buf.Close()
	cfg := testConfig()
	cfg.PrivateID, cfg.Buffer, cfg.BaseURL = killID, buf, srv.URL
	cfg.Logf = t.Logf
	l := newLogger(t, cfg)
	left := l.Stats().BufferedEntries
	drain(t, l)
	secrettest.CheckFiles(t, dir, "lock") // empty, and on Windows nobody else can read it

	arrived := map[int]bool{}
	newest := -1
	for _, n := range sink.ns {
		if !arrived[n] {
			c.Assert(n > newest, qt.IsTrue, qt.Commentf("%d after %d", n, newest))
			newest = n
		}
		arrived[n] = true
	}
	lost := 0
	for _, n := range accepted {
		if !arrived[n] {
			lost++
		}
	}
	c.Check(lost, qt.Equals, 0)
	c.Check(sink.dropped, qt.Equals, uint64(0))
	c.Check(len(sink.ns)-left > len(accepted)/10, qt.IsTrue, qt.Commentf("%d of %d at the end", left, len(accepted)))
	t.Logf("%d kills, %d entries accepted, %d lost; %d arrived, %d of them at the end",
		rounds, len(accepted), lost, len(arrived), left)
}

// killRound runs a child until it is killed after a random number of entries, and
// returns those that it told to be accepted.
func killRound(t *testing.T, dir, url string, round int) (accepted []int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir, childEnv+"_URL="+url,
		fmt.Sprintf("%s_FROM=%d", childEnv, (round+1)*1_000_000))
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, cmd.Start(), qt.IsNil)
	steps := rand.New(rand.NewPCG(uint64(round), 2)).IntN(300)
	r := bufio.NewReader(out)
	for step := 0; ; step++ {
		if step == steps {
			qt.Assert(t, cmd.Process.Kill(), qt.IsNil)
		}
		line, err := r.ReadString('\n')
		if err == io.EOF {
			break // a line cut short tells nothing
		}
		qt.Assert(t, err, qt.IsNil)
		switch verb, rest, _ := strings.Cut(strings.TrimSpace(line), " "); verb {
		case "started":
			qt.Assert(t, rest, qt.Equals, "0", qt.Commentf("nothing is lost by a kill"))
		case "accepted":
			n, err := strconv.Atoi(rest)
			qt.Assert(t, err, qt.IsNil)
			accepted = append(accepted, n)
		default:
			t.Fatal(line)
		}
	}
	cmd.Wait() // killed, which is an error
	secrettest.Check(t, "a process", said.String())
	return accepted
}
