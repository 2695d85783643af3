//go:build race

package tunstats_test

const raceEnabled = true
