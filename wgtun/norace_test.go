//go:build !race

package wgtun_test

const raceEnabled = false
