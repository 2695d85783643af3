//go:build !race

package receiver_test

// underRace shortens nothing.
const underRace = false
