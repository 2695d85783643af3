package serve

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestViewWaitingLinesBounded checks that lines without room are counted.
func TestViewWaitingLinesBounded(t *testing.T) {
	var stderr bytes.Buffer
	v := newView(io.Discard, &stderr, false)
	v.ownErr = false
	v.startDrawing()
	for i := range maxWaiting + 3 {
		v.say("fault %d\x1b", i)
	}
	qt.Check(t, stderr.String(), qt.Equals, "")
	v.stopDrawing()
	lines := strings.Split(stderr.String(), "\n")
	qt.Check(t, lines[0], qt.Equals, "netlog serve: 3 more lines before these")
	qt.Check(t, lines[1], qt.Equals, `fault 3\x1b`)
	qt.Check(t, lines[maxWaiting], qt.Equals, fmt.Sprintf(`fault %d\x1b`, maxWaiting+2))
	stderr.Reset()
	v.say("later")
	qt.Check(t, stderr.String(), qt.Equals, "later\n")
}
