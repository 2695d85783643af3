//go:build !race

package netlog

// fewer divides the random configurations of a test under the race detector.
const fewer = 1
