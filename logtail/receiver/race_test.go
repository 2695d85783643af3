//go:build race

package receiver_test

// underRace reports whether the race detector is on, which makes long tests slow.
const underRace = true
