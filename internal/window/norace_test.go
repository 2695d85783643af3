//go:build !race

package window

// raceDivisor divides the rounds of tests that are slow under the race detector.
const raceDivisor = 1
