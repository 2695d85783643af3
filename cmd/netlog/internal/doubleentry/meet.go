package doubleentry

import (
	"cmp"
	"slices"
	"time"
)

// stay is a time in which one of several, numbered from 0, was somewhere.
type stay struct {
	who        int
	start, end time.Time
}

// meeting finds those who were there at the same time for longer than slack: how
// many they are, and the first two of them. One was there once at a time. It takes
// no time for each pair, for they may be thousands.
func meeting(stays []stay, slack time.Duration) (first, second, n int) {
	slices.SortStableFunc(stays, func(x, y stay) int { return x.start.Compare(y.start) })
	// Of all that come before i, these two end last: one may be whom to compare.
	latest := make([][2]int, 1, len(stays)+1)
	latest[0] = [2]int{-1, -1}
	for i, s := range stays {
		l := latest[i]
		switch {
		case l[0] < 0 || s.end.After(stays[l[0]].end):
			l = [2]int{i, l[0]}
		case l[1] < 0 || s.end.After(stays[l[1]].end):
			l[1] = i
		}
		latest = append(latest, l)
	}
	met := make(map[int]bool)
	for i, s := range stays {
		before, _ := slices.BinarySearchFunc(stays, s.end.Add(-slack), func(x stay, t time.Time) int { return cmp.Or(x.start.Compare(t), 1) })
		for _, k := range latest[before] {
			if k < 0 || k == i || !stays[k].end.After(s.start.Add(slack)) {
				continue
			}
			lo, hi := min(s.who, stays[k].who), max(s.who, stays[k].who)
			if len(met) == 0 || cmp.Or(cmp.Compare(hi, second), cmp.Compare(lo, first)) < 0 {
				first, second = lo, hi
			}
			met[s.who] = true
			break
		}
	}
	return first, second, len(met)
}
