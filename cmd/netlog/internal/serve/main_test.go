package serve

import (
	"context"
	"io"
	"os"
	"testing"

	"github.com/go-netlog/netlog/cmd/netlog/internal/id"
	"github.com/go-netlog/netlog/internal/secrettest"
)

// childEnv makes the test binary the command netlog id, for the recipe in the help.
const childEnv = "NETLOG_TEST_COMMAND"

// TestMain watches what the tests print for private IDs and tokens.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(id.Run(context.Background(), os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(secrettest.Watch(m.Run))
}

// run runs the command that args name first, which is this one.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return Run(ctx, args[1:], stdin, stdout, stderr)
}
