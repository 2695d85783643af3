package receiver_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/racetest"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

// TestBusyNodeBesideQuietNodes simulates a month, with the default settings and all sizes divided by 8,192:
// a Logger that always has as many flows as it can write, beside a hundred that have 10 flows in a window.
// It prints how many days of each remain, for docs/receiver.md. Without NETLOG_SIZES the month has 3 days.
//
// In one collection, all lose what is older than the disk can hold. If the busy node has a collection of
// its own, the quiet ones keep their history.
func TestBusyNodeBesideQuietNodes(t *testing.T) {
	racetest.Skip(t) // one goroutine, and slow
	days := 3
	if os.Getenv("NETLOG_SIZES") != "" {
		days = 30
	}
	for _, busy := range []string{"netlog", "busy"} {
		t.Run("busy node in "+busy, func(t *testing.T) {
			dir := t.TempDir()
			refused := 0
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				files := storetest.Open(c, dir, filestore.Options{MaxBytes: filestore.DefaultMaxBytes >> 13, MaxCollections: 2})
				h := &receiver.Handler{Sink: files, Limits: receiver.Limits{MaxBytesPerHour: receiver.DefaultMaxBytesPerHour >> 13}}
				rng := storetest.NewNoise()
				for hour := range days * 24 {
					const busyHour, quietDay = 2 << 20 * 720 >> 13, 25_000_000 >> 13 // bytes: 2 MiB a window; see TestSizes
					if w := postTo(h, "/c/"+busy+"/"+hexID(1), flowsText(rng, busyHour)); w.Code != 200 {
						refused++
					}
					for n := hour % 24; n < 100; n += 24 { // each node once a day
						c.Assert(postTo(h, "/c/netlog/"+hexID(byte(2+n)), flowsText(rng, quietDay)).Code, qt.Equals, 200)
					}
					time.Sleep(time.Hour)
					synctest.Wait()
				}
				c.Assert(files.Close(), qt.IsNil)
			})
			c := qt.New(t)
			kept := daysKept(c, dir)
			t.Logf("after %d days: %.1f days of the busy node and %.1f of the quiet ones are kept; %d requests refused", days, kept["busy"], kept["quiet"], refused)
			c.Check(refused, qt.Equals, 0)
			c.Check(kept["busy"] > 0.5, qt.IsTrue)
			if busy == "netlog" {
				c.Check(kept["quiet"] < kept["busy"]+1, qt.IsTrue)
			} else {
				c.Check(kept["quiet"] > min(float64(days)-0.1, 5), qt.IsTrue)
			}
		})
	}
}

// hexID returns the private ID of a node.
func hexID(n byte) string { _, id := testID(n); return id }

// flowsText returns an entry of about size bytes that compresses like a record.
func flowsText(rng storetest.Noise, size int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"logtail":{"client_time":"%s"},"virtualTraffic":[`, time.Now().UTC().Format(time.RFC3339Nano))
	var flows [50]string // a fifth is new in each window
	for n := 0; b.Len() < size; n = (n + 1) % len(flows) {
		if flows[n] == "" || rng.IntN(5) == 0 {
			flows[n] = fmt.Sprintf(`{"proto":6,"src":"100.64.0.1:%d","dst":"100.64.1.%d:443"`, 32768+rng.IntN(28232), rng.IntN(200))
		}
		packets := rng.IntN(60)
		fmt.Fprintf(&b, `%s,"txPkts":%d,"txBytes":%d,"rxPkts":%d,"rxBytes":%d},`,
			flows[n], packets, packets*(40+rng.IntN(1360)), packets, packets*(40+rng.IntN(1360)))
	}
	return b.String()[:b.Len()-1] + `]}`
}

// daysKept returns for how many days the stored entries of the busy and of the quiet nodes reach back.
func daysKept(c *qt.C, dir string) map[string]float64 {
	private, _ := testID(1)
	oldest, newest := make(map[string]time.Time), time.Time{}
	_, lines := storetest.Tree(c, dir)
	for _, line := range lines {
		var e struct {
			Logtail struct {
				ID         string
				ServerTime time.Time `json:"server_time"`
			}
		}
		c.Assert(json.Unmarshal([]byte(line), &e), qt.IsNil)
		who, at := "quiet", e.Logtail.ServerTime
		if e.Logtail.ID == private.Public().String() {
			who = "busy"
		}
		if was, ok := oldest[who]; !ok || at.Before(was) {
			oldest[who] = at
		}
		if at.After(newest) {
			newest = at
		}
	}
	kept := make(map[string]float64)
	for who, at := range oldest {
		kept[who] = newest.Sub(at).Hours() / 24
	}
	return kept
}
