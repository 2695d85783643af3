package logtail

import (
	"net/http"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

func TestVerdictForEveryStatus(t *testing.T) {
	c := qt.New(t)
	for status := range 1000 {
		want := misconfigured
		switch {
		case status < 200, status >= 500, status == 408, status == 429:
			want = unavailable
		case status < 300:
			want = accepted
		case status == 400, status == 422:
			want = unacceptable
		case status == 413:
			want = tooLarge
		}
		c.Check(judge(status, false), qt.Equals, want, qt.Commentf("%d", status))
		if status == 415 {
			want = uncompressed
		}
		c.Check(judge(status, true), qt.Equals, want, qt.Commentf("%d compressed", status))
	}
}

// TestDelayIsBounded checks that every pause is between a second and a quarter of an hour.
func TestDelayIsBounded(t *testing.T) {
	for _, v := range []verdict{unavailable, tooLarge, unacceptable, misconfigured} {
		for _, asked := range []time.Duration{0, 1, time.Second, time.Hour, 1<<63 - 1} {
			for _, failures := range []int{0, 1, 5, 10, 62, 63, 64, 65, 1 << 30} {
				for _, random := range []float64{0, 0.5, 0.999999} {
					for _, status := range []int{0, 429, 503, 404} {
						d := delay(v, status, failures, asked, random)
						if d < time.Second || d > 15*time.Minute {
							t.Errorf("delay(%v, %v, %v, %v, %v) = %v", v, status, failures, asked, random, d)
						}
						if asked > 0 && d < min(asked, retryAfterCap) {
							t.Errorf("%v is earlier than the %v asked for", d, asked)
						}
					}
				}
			}
		}
	}
}

// TestAttemptTimeoutGrowsWithTheBody checks that there is time for a full body on a link of 64 kbit/s.
func TestAttemptTimeoutGrowsWithTheBody(t *testing.T) {
	c := qt.New(t)
	s := &sender{}
	c.Check(s.attemptTimeout(0), qt.Equals, 45*time.Second)
	c.Check(s.attemptTimeout(128<<10), qt.Equals, 45*time.Second)
	c.Check(s.attemptTimeout(256<<10), qt.Equals, 61*time.Second)
	s.timeout = 10 * time.Second // the caller's client
	c.Check(s.attemptTimeout(256<<10), qt.Equals, 10*time.Second)
}

func FuzzRetryAfter(f *testing.F) {
	for _, v := range []string{"", "1", "0", "-1", "1e9", "9223372037", "99999999999999999999", "Mon, 23 Nov 2026 10:01:00 GMT", "Monday, 23-Nov-26 10:01:00 GMT", "Mon Nov 23 10:01:00 2026", "+5", " 5", "5 ", "0x10", "1_000"} {
		f.Add(v, "Mon, 23 Nov 2026 10:00:00 GMT")
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		h := http.Header{"Retry-After": {value}, "Date": {date}}
		asked := retryAfter(h)
		if asked < 0 {
			t.Fatalf("%v", asked)
		}
		if d := delay(unavailable, 503, 0, asked, 0.5); d < time.Second || d > 6*time.Minute {
			t.Fatalf("%v", d)
		}
	})
}
