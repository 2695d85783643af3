//go:build !linux

package logtail_test

import "testing"

// tinyDisk skips the test.
func tinyDisk(t testing.TB) string {
	t.Helper()
	t.Skip("mounting a small file system needs Linux")
	return ""
}
