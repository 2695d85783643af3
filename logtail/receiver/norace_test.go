//go:build !race

package receiver_test

// underRace reports whether the race detector is on.
const underRace = false
