package spool_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail/spool"
)

// childEnv holds the directory of a spool. If it is set, the test binary uses the spool until it is
// killed.
const childEnv = "NETLOG_SPOOL_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		child(dir)
		return
	}
	os.Exit(secrettest.Watch(m.Run))
}

// child appends and delivers until it is killed. It prints each step after it is done, with a single
// write, so that every complete line was done.
func child(dir string) {
	s, err := spool.Open(dir, owner, spool.Options{MaxBytes: 1 << 30})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	from, _ := strconv.Atoi(os.Getenv(childEnv + "_FROM"))
	r := rand.New(rand.NewPCG(uint64(from), 1))
	fmt.Println("open", s.Stats().DroppedEntries)
	for n := from; ; {
		if r.IntN(8) > 0 {
			if err := s.Append(killEntry(n)); err != nil {
				fmt.Println("error", err)
			}
			fmt.Println("wrote", n)
			n++
			continue
		}
		entries, through, err := s.Peek(16 << 10)
		if err != nil {
			fmt.Println("error", err)
		}
		var names []string
		for _, e := range entries {
			name, _, _ := strings.Cut(string(e), " ")
			names = append(names, name)
		}
		fmt.Println("sent", strings.Join(names, " ")) // a server has them before the Ack
		if err := s.Ack(through); err != nil {
			fmt.Println("error", err)
		}
	}
}

func killEntry(n int) []byte {
	return fmt.Appendf(nil, "%d %s", n, strings.Repeat("x", n*31%2500))
}

// TestKill kills processes that use the spool at random instants. It checks that one of the following
// processes delivers every accepted entry.
func TestKill(t *testing.T) {
	rounds := 30
	if n, err := strconv.Atoi(os.Getenv("NETLOG_KILLS")); err == nil {
		rounds = n
	}
	dir := t.TempDir()
	accepted, sent := 0, map[int]bool{} // all entries below accepted are accepted
	for round := range rounds {
		accepted = killRound(t, dir, accepted, sent, round)
	}
	s := open(t, dir, spool.Options{MaxBytes: 1 << 30})
	newest := -1
	for {
		entries, through, err := s.Peek(1 << 20)
		qt.Assert(t, err, qt.IsNil)
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			name, _, _ := strings.Cut(string(e), " ")
			n, err := strconv.Atoi(name)
			qt.Assert(t, err, qt.IsNil)
			qt.Assert(t, string(e), qt.Equals, string(killEntry(n)))
			qt.Assert(t, n > newest, qt.IsTrue, qt.Commentf("%d after %d", n, newest))
			newest = n
			sent[n] = true
		}
		qt.Assert(t, s.Ack(through), qt.IsNil)
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

// killRound runs a child for a moment, and returns the number after the last entry that the child
// reported as accepted.
func killRound(t *testing.T, dir string, from int, sent map[int]bool, round int) int {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir, fmt.Sprintf("%s_FROM=%d", childEnv, from+1))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, cmd.Start(), qt.IsNil)
	// Kill the child after reading a random number of its steps. It is ahead of the reader, so the
	// kill hits it anywhere in a later step.
	steps := rand.New(rand.NewPCG(uint64(round), 2)).IntN(400)
	r := bufio.NewReader(out)
	sent[from] = true // skipped by the child: it may have been accepted without a report
	for step := 0; ; step++ {
		if step == steps {
			qt.Assert(t, cmd.Process.Kill(), qt.IsNil)
		}
		line, err := r.ReadString('\n')
		if err == io.EOF {
			break // ignore an incomplete line
		}
		qt.Assert(t, err, qt.IsNil)
		switch verb, rest, _ := strings.Cut(strings.TrimSpace(line), " "); verb {
		case "open":
			qt.Assert(t, rest, qt.Equals, "0", qt.Commentf("a kill loses nothing"))
		case "wrote":
			from, err = strconv.Atoi(rest)
			qt.Assert(t, err, qt.IsNil)
			from++
		case "sent":
			for name := range strings.FieldsSeq(rest) {
				n, err := strconv.Atoi(name)
				qt.Assert(t, err, qt.IsNil)
				sent[n] = true
			}
		default:
			t.Fatal(line)
		}
	}
	cmd.Wait() // returns an error, since the child was killed
	return from
}

// TestLockEndsWithProcess opens a spool that another process uses, and again while that process is
// being killed.
func TestLockEndsWithProcess(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, cmd.Start(), qt.IsNil)
	_, err = bufio.NewReader(out).ReadString('\n') // the child has opened it
	qt.Assert(t, err, qt.IsNil)
	_, err = spool.Open(dir, owner, spool.Options{})
	qt.Check(t, err, qt.ErrorIs, spool.ErrLocked)
	time.AfterFunc(200*time.Millisecond, func() { cmd.Process.Kill() })
	open(t, dir, spool.Options{}) // waits for the child to end
	cmd.Wait()
}
