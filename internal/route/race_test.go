//go:build race

package route_test

// raceDivisor divides the rounds of tests that are slow under the race detector.
const raceDivisor = 5
