package killtest

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
)

// Hangup lets the processes that a test starts begin with the default action for SIGHUP. Without it they ignore the
// signal if the test does, as under nohup.
func Hangup(t testing.TB) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // exec replaces a handler by the default action
	t.Cleanup(func() { signal.Reset(syscall.SIGHUP) })
}
