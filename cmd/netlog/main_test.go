package main

import (
	"os"
	"testing"

	"github.com/go-netlog/netlog/internal/secrettest"
)

// childEnv makes the test binary the command itself, for tests that send signals.
const childEnv = "NETLOG_TEST_COMMAND"

// TestMain watches what the tests print for private IDs and tokens.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		main()
	}
	os.Exit(secrettest.Watch(m.Run))
}
