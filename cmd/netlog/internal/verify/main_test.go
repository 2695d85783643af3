package verify

import (
	"os"
	"testing"

	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/secrettest"
)

// TestMain watches what the tests print for private IDs and tokens.
func TestMain(m *testing.M) { os.Exit(secrettest.Watch(m.Run)) }

// run is Run with the name of the command as the first argument.
var run = clitest.Named(Run)
