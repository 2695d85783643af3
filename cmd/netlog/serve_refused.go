package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/logtail/receiver"
)

// refusedEvery is how often it is told what was refused.
const refusedEvery = time.Minute

// A refusal is how many requests were not answered 200, for one reason.
type refusal struct {
	why string
	n   uint64
}

// refusals returns all reasons with their numbers.
func refusals(st receiver.Stats) []refusal {
	return []refusal{
		{"malformed", st.Malformed}, {"too_large", st.TooLarge}, {"forbidden", st.Forbidden},
		{"over_quota", st.OverQuota}, {"unavailable", st.Unavailable}, {"other", st.OtherErrors},
	}
}

// refused is how many requests were not answered 200.
func refused(st receiver.Stats) (n uint64) {
	for _, r := range refusals(st) {
		n += r.n
	}
	return n
}

// refusedSince tells what was refused between two moments, "" where nothing was. It
// names the last node only, so that nobody can fill a log by what he sends.
func refusedSince(was, is receiver.Stats, last string) string {
	if refused(is) == refused(was) {
		return ""
	}
	var why []string
	before := refusals(was)
	for n, r := range refusals(is) {
		if d := r.n - before[n].n; d > 0 {
			why = append(why, fmt.Sprintf("%d %s", d, strings.ReplaceAll(r.why, "_", " ")))
		}
	}
	if last != "" {
		last = "; the last one forbidden: " + last
	}
	return fmt.Sprintf("%s refused in the last minute: %s%s", flowtable.Plural(refused(is)-refused(was), "request"), strings.Join(why, ", "), last)
}
