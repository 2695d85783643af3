// Package killtest runs processes that a test kills at any instant.
//
// The process is the test binary itself. [Start] runs it again, and there [Run] calls the function to
// kill instead of the tests:
//
//	func TestMain(m *testing.M) {
//		killtest.Run(child)
//		os.Exit(m.Run())
//	}
package killtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
)

const childEnv = "NETLOG_TEST_KILLED" // set in a process of Start

// Run calls child with the arguments of [Start] if Start made this process, and otherwise does
// nothing. child prints a line for each of its steps, with a single write, and works until it is
// killed. If it returns, Run prints a line with the word error, and ends the process.
func Run(child func(args []string) error) {
	if os.Getenv(childEnv) == "" {
		return
	}
	fmt.Println("error", child(os.Args[2:]))
	os.Exit(1)
}

// Rounds returns the number of processes to kill: asked, the value of an environment variable, or
// usual if asked is empty.
func Rounds(t testing.TB, asked string, usual int) int {
	t.Helper()
	if asked == "" {
		return usual
	}
	rounds, err := strconv.Atoi(asked)
	qt.Assert(t, err, qt.IsNil)
	return rounds
}

// Process is a process made by [Start]. It is killed at the end of the test, if not before.
type Process struct {
	t      testing.TB
	cmd    *exec.Cmd
	out    *bufio.Reader
	stderr bytes.Buffer
}

// Start starts a process. The args must not begin with a hyphen.
func Start(t testing.TB, args ...string) *Process {
	t.Helper()
	p := &Process{t: t, cmd: exec.Command(os.Args[0], append([]string{"-test.run=^" + t.Name() + "$"}, args...)...)}
	p.cmd.Env = append(os.Environ(), childEnv+"=1")
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	qt.Assert(t, err, qt.IsNil)
	p.out = bufio.NewReader(out)
	qt.Assert(t, p.cmd.Start(), qt.IsNil)
	t.Cleanup(func() {
		p.Kill()
		p.Wait()
		if t.Failed() {
			t.Logf("standard error of the process: %s", p.stderr.String())
		}
	})
	return p
}

// Line returns the next line of the standard output, cut after its first word. It returns false at
// the end of the process, and ignores an incomplete line.
func (p *Process) Line() (word, rest string, ok bool) {
	p.t.Helper()
	line, err := p.out.ReadString('\n')
	if err == io.EOF {
		return "", "", false
	}
	qt.Assert(p.t, err, qt.IsNil)
	word, rest, _ = strings.Cut(strings.TrimSpace(line), " ")
	return word, rest, true
}

// KillAfter kills the process after n lines, and yields all its lines up to its end. The process is
// ahead of the reader, so that the kill interrupts any step.
func (p *Process) KillAfter(n int) iter.Seq2[string, string] {
	return func(yield func(word, rest string) bool) {
		for read := 0; ; read++ {
			if read == n {
				p.Kill()
			}
			word, rest, ok := p.Line()
			if !ok {
				p.Wait()
				return
			}
			if !yield(word, rest) {
				return
			}
		}
	}
}

// Kill kills the process.
func (p *Process) Kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
		qt.Check(p.t, err, qt.IsNil)
	}
}

// Wait waits for the end of the process. It fails the test if the process ended by itself without an
// error, or printed a secret to its standard error.
func (p *Process) Wait() {
	p.t.Helper()
	if p.cmd.ProcessState != nil {
		return
	}
	io.Copy(io.Discard, p.out)
	qt.Check(p.t, p.cmd.Wait(), qt.IsNotNil)
	secrettest.Check(p.t, "a process", p.stderr.String())
}
