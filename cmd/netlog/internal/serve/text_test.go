package serve

import (
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/secrettest"
)

func TestShownText(t *testing.T) {
	long := strings.Repeat("x", maxText)
	for text, want := range map[string]string{
		" up\n":             "up",
		"\x1b[2J":           `\x1b[2J`,
		long:                long,
		long + "y":          long + "... (257 bytes)",
		long[1:] + "\u20ac": long[1:] + "... (258 bytes)", // a rune is not cut
	} {
		qt.Check(t, shownText(text), qt.Equals, want)
	}
}

// TestServeLongTextCut sends a text of 1 MB, which is stored whole and shown in part.
func TestServeLongTextCut(t *testing.T) {
	c := qt.New(t)
	s := startServe(c, "-dir", t.TempDir())
	text := strings.Repeat("x", 1_000_000)
	c.Check(clitest.Send(c, s.url, secrettest.NewID(), `{"text":"`+text+`"}`, ""), qt.Equals, 200)
	s.stdout.Await(c, `\(1000000 bytes\)\n`)
	c.Check(len(s.stdout.String()) < 1000, qt.IsTrue)
}
