package logtail_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/killtest"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/spool"
)

// killConfig returns the Config of Loggers that are killed, with a spool in dir.
func killConfig(dir, url string, maxBytes int64) (logtail.Config, *spool.Spool, error) {
	id := logtail.PrivateID([]byte(secrettest.Marker + "killkill"))
	buf, err := spool.Open(dir, id.Public(), spool.Options{MaxBytes: maxBytes})
	return logtail.Config{
		Collection: "test", PrivateID: id, Buffer: buf, BaseURL: url,
		Header: http.Header{"Authorization": {"Bearer " + token}},
	}, buf, err
}

// killedLogger writes numbered entries until it is killed, and prints each accepted number. The
// args are the directory of its spool, the URL of the server, and the first number.
func killedLogger(args []string) error {
	cfg, _, err := killConfig(args[0], args[1], 1<<30)
	if err != nil {
		return err
	}
	cfg.Logf = func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	l, err := logtail.NewLogger(cfg)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(uint64(n), 1))
	fmt.Println("started", l.Stats().DroppedEntries)
	for ; ; n++ {
		if _, err := fmt.Fprintf(l, `{"n":%d,"pad":%q}`, n, strings.Repeat("x", r.IntN(3000))); err != nil {
			return err
		}
		fmt.Println("accepted", n)
		if r.IntN(20) == 0 { // send now, including the entries of earlier processes
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(r.IntN(30))*time.Millisecond)
			l.Flush(ctx)
			cancel()
		}
	}
}

// arrivals is a Sink that keeps the numbers of the entries that arrive.
type arrivals struct {
	mu      sync.Mutex // guards the fields below
	ns      []int
	dropped uint64 // as the entries report
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

// TestKill kills processes with a Logger and a spool at random instants. Each accepted entry must
// arrive at the server, in order. The server is down in every fifth round, and sometimes stores
// entries without an answer.
func TestKill(t *testing.T) {
	rounds := killtest.Rounds(t, os.Getenv("NETLOG_KILLS"), 30)
	c := qt.New(t)
	dir := t.TempDir()
	var sink arrivals
	var mu sync.Mutex // guards the two variables below
	faults := rand.New(rand.NewPCG(1, 1))
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
	setDown := func(v bool) {
		mu.Lock()
		defer mu.Unlock()
		down = v
	}
	for round := range rounds {
		setDown(round%5 == 4)
		accepted = append(accepted, killRound(t, dir, srv.URL, round)...)
	}
	setDown(false)

	cfg, buf, err := killConfig(dir, srv.URL, 1<<30)
	c.Assert(err, qt.IsNil)
	defer buf.Close()
	l := newLogger(t, cfg)
	left := l.Stats().BufferedEntries
	l.drain()
	secrettest.CheckFiles(t, dir, "lock") // empty, and unreadable on Windows while it is locked

	arrived := checkNumbers(c, sink.ns)
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

// checkNumbers returns the set of ns. It checks that they increase, except for repeated ones.
func checkNumbers(c *qt.C, ns []int) map[int]bool {
	c.Helper()
	seen := map[int]bool{}
	newest := -1
	for _, n := range ns {
		if !seen[n] {
			c.Assert(n > newest, qt.IsTrue, qt.Commentf("%d after %d", n, newest))
			newest = n
		}
		seen[n] = true
	}
	return seen
}

// killRound runs a process that is killed after a random number of entries, and returns the entries
// that it reported as accepted.
func killRound(t *testing.T, dir, url string, round int) (accepted []int) {
	t.Helper()
	p := killtest.Start(t, dir, url, strconv.Itoa((round+1)*1_000_000))
	for verb, rest := range p.KillAfter(rand.New(rand.NewPCG(uint64(round), 2)).IntN(300)) {
		switch verb {
		case "started":
			qt.Assert(t, rest, qt.Equals, "0", qt.Commentf("a kill loses nothing"))
		case "accepted":
			n, err := strconv.Atoi(rest)
			qt.Assert(t, err, qt.IsNil)
			accepted = append(accepted, n)
		default:
			t.Fatal(verb, rest)
		}
	}
	return accepted
}
