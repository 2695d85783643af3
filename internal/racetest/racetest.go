// Package racetest is for tests that are too slow, or measure too much, under the race detector.
package racetest

import "testing"

// Skip skips t under the race detector. The same test runs without it.
func Skip(t testing.TB) {
	t.Helper()
	if Enabled {
		t.Skip("not under the race detector")
	}
}

// Rounds returns n, or a fifth of it under the race detector.
func Rounds(n int) int {
	if Enabled {
		return n / 5
	}
	return n
}
