package clitest

import (
	"bytes"
	"regexp"
	"sync"
	"time"

	qt "github.com/frankban/quicktest"
)

// Output is the output of a command. It may be read while the command runs.
type Output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements [io.Writer].
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

// String returns the output so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// Await waits for a match of pattern in o, and fails the test after a minute. It returns the first match and its
// submatches.
func (o *Output) Await(c *qt.C, pattern string) []string {
	c.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if m := re.FindStringSubmatch(o.String()); m != nil {
			return m
		}
	}
	c.Fatalf("no %s in:\n%s", pattern, o.String())
	return nil
}

// CheckPrintable checks that s has no control characters except line feeds.
func CheckPrintable(c *qt.C, s string) {
	c.Helper()
	c.Check(regexp.MustCompile(`[^\n\x20-\x7e\x{a0}-\x{10ffff}]`).FindString(s), qt.Equals, "")
}
