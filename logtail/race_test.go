//go:build race

package logtail_test

const raceEnabled = true
