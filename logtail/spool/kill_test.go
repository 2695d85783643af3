package spool_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/killtest"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail/spool"
)

func TestMain(m *testing.M) {
	killtest.Run(child)
	os.Exit(secrettest.Watch(m.Run))
}

// child appends to the spool in the directory args[0] and delivers, until it is killed. It numbers
// entries from args[1] on, and prints each step after it is done.
func child(args []string) error {
	s, err := spool.Open(args[0], owner, spool.Options{MaxBytes: 1 << 30})
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(uint64(n), 1))
	fmt.Println("open", s.Stats().DroppedEntries)
	for {
		if r.IntN(8) > 0 {
			if err := s.Append(killEntry(n)); err != nil {
				return err
			}
			fmt.Println("wrote", n)
			n++
			continue
		}
		entries, through, err := s.Peek(16 << 10)
		if err != nil {
			return err
		}
		var names []string
		for _, e := range entries {
			name, _, _ := strings.Cut(string(e), " ")
			names = append(names, name)
		}
		fmt.Println("sent", strings.Join(names, " ")) // a server has them before the Ack
		if err := s.Ack(through); err != nil {
			return err
		}
	}
}

func killEntry(n int) []byte {
	return fmt.Appendf(nil, "%d %s", n, strings.Repeat("x", n*31%2500))
}

func killEntryNumber(t *testing.T, name string) int {
	t.Helper()
	n, err := strconv.Atoi(name)
	qt.Assert(t, err, qt.IsNil)
	return n
}

// TestKill kills processes that use the spool at random instants. It checks that one of the following
// processes delivers every accepted entry.
func TestKill(t *testing.T) {
	rounds := killtest.Rounds(t, os.Getenv("NETLOG_KILLS"), 30)
	dir := t.TempDir()
	accepted, sent := 0, map[int]bool{} // all entries below accepted are accepted
	for round := range rounds {
		accepted = killRound(t, dir, accepted, sent, round)
	}
	s := open(t, dir, spool.Options{MaxBytes: 1 << 30})
	newest := -1
	for _, e := range drain(t, s) {
		name, _, _ := strings.Cut(e, " ")
		n := killEntryNumber(t, name)
		qt.Assert(t, e, qt.Equals, string(killEntry(n)))
		qt.Assert(t, n > newest, qt.IsTrue, qt.Commentf("%d after %d", n, newest))
		newest = n
		sent[n] = true
	}
	qt.Check(t, s.Stats().DroppedEntries, qt.Equals, uint64(0))
	lost := 0
	for n := range accepted {
		if !sent[n] {
			lost++
		}
	}
	qt.Check(t, lost, qt.Equals, 0)
	t.Logf("%d kills, %d entries accepted, %d lost", rounds, accepted, lost)
}

// killRound runs a child that is killed after a random number of steps, and returns the number after
// the last entry that the child reported as accepted.
func killRound(t *testing.T, dir string, from int, sent map[int]bool, round int) int {
	sent[from] = true // skipped by the child: it may have been accepted without a report
	steps := rand.New(rand.NewPCG(uint64(round), 2)).IntN(400)
	for verb, rest := range killtest.Start(t, dir, strconv.Itoa(from+1)).KillAfter(steps) {
		switch verb {
		case "open":
			qt.Assert(t, rest, qt.Equals, "0", qt.Commentf("a kill loses nothing"))
		case "wrote":
			from = killEntryNumber(t, rest) + 1
		case "sent":
			for name := range strings.FieldsSeq(rest) {
				sent[killEntryNumber(t, name)] = true
			}
		default:
			t.Fatal(verb, rest)
		}
	}
	return from
}

// TestLockEndsWithProcess opens a spool that another process uses, and again while that process is
// being killed.
func TestLockEndsWithProcess(t *testing.T) {
	dir := t.TempDir()
	p := killtest.Start(t, dir, "1")
	word, _, _ := p.Line()
	qt.Assert(t, word, qt.Equals, "open")
	_, err := spool.Open(dir, owner, spool.Options{})
	qt.Check(t, err, qt.ErrorIs, spool.ErrLocked)
	time.AfterFunc(200*time.Millisecond, p.Kill)
	open(t, dir, spool.Options{}) // waits for the child to end
}
