package verify

import (
	"context"
	"io"
	"os"
	"testing"

	"github.com/go-netlog/netlog/internal/secrettest"
)

// TestMain watches what the tests print for private IDs and tokens.
func TestMain(m *testing.M) { os.Exit(secrettest.Watch(m.Run)) }

// run runs the command that args name first, which is this one.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return Run(ctx, args[1:], stdin, stdout, stderr)
}
