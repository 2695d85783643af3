//go:build race

package netlog

// fewer divides the random configurations of a test, as each takes several times
// as long under the race detector, which has nothing to find in a pure function.
const fewer = 5
