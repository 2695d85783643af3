package filestore_test

import (
	"os"
	"testing"

	"github.com/go-netlog/netlog/internal/secrettest"
)

// TestMain watches what the tests print for private IDs and tokens.
func TestMain(m *testing.M) { os.Exit(secrettest.Watch(m.Run)) }
