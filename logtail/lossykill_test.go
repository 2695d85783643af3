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
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
)

// lossyLogger writes numbered entries to a spool that has room for few, until it is killed. It prints each
// number before the entry is written, and again when Write has accepted or refused it. The args are those
// of killedLogger, the bound of the spool, and whether the server is down. If it is not, every entry is
// delivered before the next one: an entry that is dropped during its request would arrive and be counted.
func lossyLogger(args []string) error {
	maxBytes, err := strconv.ParseInt(args[3], 10, 64)
	if err != nil {
		return err
	}
	cfg, _, err := killConfig(args[0], args[1], maxBytes)
	if err != nil {
		return err
	}
	l, err := logtail.NewLogger(cfg)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	flush := func() {
		if args[4] == "down" {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		l.Flush(ctx)
	}
	r := rand.New(rand.NewPCG(uint64(n), 1))
	for flush(); ; flush() {
		n++
		fmt.Println("writing", n)
		fmt.Fprintf(l, `{"n":%d,"pad":%q}`, n, strings.Repeat("x", r.IntN(3000)))
		fmt.Println("wrote", n)
	}
}

// reported is a Sink that counts the entries that arrive, and those that they report as dropped.
type reported struct {
	mu      sync.Mutex // guards the fields below
	entries map[string]entry
}

func (r *reported) Store(_ context.Context, b receiver.Batch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, raw := range b.Entries {
		var e entry
		if err := json.Unmarshal(raw, &e); err != nil {
			return err
		}
		r.entries[fmt.Sprint(e.Logtail.ProcID, e.Logtail.ProcSeq)] = e
	}
	return nil
}

// TestKillReportsLosses kills processes whose spool is full. The entries that did not arrive are those that
// were reported, whether the spool refused or dropped them.
func TestKillReportsLosses(t *testing.T) {
	for _, test := range []struct {
		name     string
		dir      func(testing.TB) string
		maxBytes int64
	}{
		{"full spool", testing.TB.TempDir, 64 << 10},
		{"full disk", tinyDisk, 1 << 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := test.dir(t)
			rounds := killtest.Rounds(t, os.Getenv("NETLOG_KILLS"), 30)
			sink := &reported{entries: map[string]entry{}}
			h := &receiver.Handler{Sink: sink, Limits: receiver.Limits{MaxBytesPerHour: -1}}
			var mu sync.Mutex // guards state
			state := "up"
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				if state == "down" {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				h.ServeHTTP(w, r)
			}))
			defer srv.Close()

			tried, unknown := map[int]bool{}, map[int]bool{}
			for round := range rounds {
				next := [3]string{"down", "down", "up"}[round%3]
				mu.Lock()
				state = next
				mu.Unlock()
				first, bound := strconv.Itoa((round+1)*1_000_000), strconv.FormatInt(test.maxBytes, 10)
				p := killtest.Start(t, dir, srv.URL, first, bound, next)
				for verb, rest := range p.KillAfter(rand.New(rand.NewPCG(uint64(round), 2)).IntN(400)) {
					n, err := strconv.Atoi(rest)
					qt.Assert(t, err, qt.IsNil, qt.Commentf("%s %s", verb, rest))
					unknown[n] = verb == "writing"
					tried[n] = true
				}
			}
			mu.Lock()
			state = "up"
			mu.Unlock()
			drainAll(t, dir, srv.URL, test.maxBytes)

			told, arrived, reports := uint64(0), map[int]bool{}, 0
			for _, e := range sink.entries {
				if e.N != nil {
					arrived[*e.N] = true
				}
				if e.DroppedEntries > 0 {
					reports++
				}
				told += e.DroppedEntries
			}
			lost, maybe := uint64(0), uint64(0)
			for n := range tried {
				switch {
				case arrived[n]:
				case unknown[n]:
					maybe++
				default:
					lost++
				}
			}
			t.Logf("%d kills, %d entries, %d lost, %d unknown; %d reported in %d reports",
				rounds, len(tried), lost, maybe, told, reports)
			qt.Check(t, lost > 100, qt.IsTrue)
			// A report that the spool drops counts as an entry. Only a process with a server
			// leaves one.
			qt.Check(t, lost <= told && told <= lost+maybe+uint64(rounds+2)/3, qt.IsTrue)
		})
	}
}

// drainAll delivers what is left in dir.
func drainAll(t *testing.T, dir, url string, maxBytes int64) {
	t.Helper()
	cfg, buf, err := killConfig(dir, url, maxBytes)
	qt.Assert(t, err, qt.IsNil)
	defer buf.Close()
	newLogger(t, cfg).drain()
	n, _ := buf.Unreported()
	qt.Check(t, n, qt.Equals, uint64(0))
}
