package page

import "testing"

// BenchmarkAnswer measures the answer for 200 nodes with 10,000 flows that last an hour.
func BenchmarkAnswer(b *testing.B) {
	s := newStore()
	end := busy(s, 200, 10_000, true)
	for _, span := range []string{"5m", "1h"} {
		b.Run(span, func(b *testing.B) {
			q, err := parseQuery(map[string][]string{"range": {span}})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				s.answer(q, end, nil)
			}
		})
	}
}
