package logtail_test

import (
	"flag"
	"os"
	"testing"

	"github.com/go-netlog/netlog/internal/secrettest"
)

// TestMain watches what the tests print, and runs the process that one of them
// kills. Tests on real connections wait for retries, not for the processor, so
// that all of them may do so at once.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		killedChild(dir)
		return
	}
	flag.Parse()
	if flag.Lookup("test.fuzz").Value.String() == "" { // there it is the number of processes
		flag.Set("test.parallel", "64")
	}
	os.Exit(secrettest.Watch(m.Run))
}
