//go:build race

package receiver_test

// underRace shortens what takes long under the race detector, and has nothing in it
// for that to find.
const underRace = true
