package filestore

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/logtail/receiver"
)

// world is a Store on a machine whose clock may be wrong, and a node whose clock is right.
type world struct {
	*qt.C
	dir   string
	store *Store
	right time.Time     // the true time
	wrong time.Duration // by how much the wall clock is ahead
	up    time.Duration // the monotonic clock
	sent  []time.Time   // the true time of each entry
	log   []string
}

const worldAge = 48 * time.Hour // MaxAge

func newWorld(c *qt.C) *world {
	w := &world{C: c, dir: c.TempDir(), right: time.Date(2000, 6, 15, 12, 0, 0, 0, time.UTC)}
	w.open()
	return w
}

func (w *world) now() reading { return reading{w.right.Add(w.wrong), w.up} }

// open opens the Store after a restart of the machine.
func (w *world) open() {
	var err error
	w.up = 0
	w.store, err = open(w.dir, Options{MaxAge: worldAge, MinFreeBytes: -1, Logf: func(f string, a ...any) {
		w.log = append(w.log, fmt.Sprintf(f, a...))
	}}, w.now)
	w.Assert(err, qt.IsNil)
	w.Assert(w.store.tidy(w.now()), qt.IsNil)
}

func (w *world) close() {
	close(w.store.done) // there is no goroutine
	w.Assert(w.store.Close(), qt.IsNil)
}

func (w *world) restart() { w.close(); w.open() }

// run lets time pass in steps, with an entry and a round of maintain in each.
func (w *world) run(d, step time.Duration) {
	for range d / step {
		w.right, w.up = w.right.Add(step), w.up+step
		entry := fmt.Sprintf(`{"logtail":{"client_time":"%s"},"n":%d}`, w.right.Format(time.RFC3339Nano), len(w.sent))
		err := w.store.Store(w.Context(), receiver.Batch{Collection: "x", Received: w.now().wall, Entries: [][]byte{[]byte(entry)}})
		w.Assert(err, qt.IsNil)
		w.sent = append(w.sent, w.right)
		w.Assert(w.store.tidy(w.now()), qt.IsNil)
	}
}

// stored returns the day in the name of the file of each stored entry.
func (w *world) stored() map[int]string {
	found := make(map[int]string)
	paths, err := filepath.Glob(filepath.Join(w.dir, "x", "*"))
	w.Assert(err, qt.IsNil)
	z, err := zstd.NewReader(nil)
	w.Assert(err, qt.IsNil)
	defer z.Close()
	for _, p := range paths {
		text, err := os.ReadFile(p)
		w.Assert(err, qt.IsNil)
		if strings.HasSuffix(p, zstdSuffix) {
			text, err = z.DecodeAll(text, nil)
			w.Assert(err, qt.IsNil)
		}
		for line := range strings.Lines(string(text)) {
			var n int
			_, err := fmt.Sscanf(line[strings.Index(line, `"n":`):], `"n":%d}`, &n)
			w.Assert(err, qt.IsNil)
			found[n] = filepath.Base(p)[:len(time.DateOnly)]
		}
	}
	return found
}

// checkKept checks that the entries of the last age are stored.
func (w *world) checkKept(when string, age time.Duration) {
	w.Helper()
	found := w.stored()
	for n, at := range w.sent {
		if _, ok := found[n]; !ok && w.right.Sub(at) < age {
			w.Errorf("%s: the entry of %v ago was removed", when, w.right.Sub(at))
			return
		}
	}
}

// checkRemoved checks that no entry is older than age.
func (w *world) checkRemoved(when string, age time.Duration) {
	w.Helper()
	for n := range w.stored() {
		if at := w.sent[n]; w.right.Sub(at) > age {
			w.Errorf("%s: the entry of %v ago is still stored", when, w.right.Sub(at))
			return
		}
	}
}

// TestClockSet sets the clock by a minute, a day and a year in both directions, for half a minute and
// for two hours, with restarts. No entry may be removed too early, and none remain too long. After the
// correction, entries go into files of the right day.
func TestClockSet(t *testing.T) {
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	for _, wrong := range []time.Duration{time.Minute, -time.Minute, day, -day, year, -year} {
		for _, d := range []time.Duration{30 * time.Second, 2 * time.Hour} {
			for _, restart := range []string{"no restart", "a restart while it is wrong", "a restart after the correction"} {
				t.Run(fmt.Sprintf("%v for %v, %s", wrong, d, restart), func(t *testing.T) {
					t.Parallel()
					w := newWorld(qt.New(t))
					w.run(4*day+11*time.Hour, time.Hour) // an hour before midnight
					w.checkRemoved("before", worldAge+day+time.Hour)

					w.wrong = wrong
					if restart == "a restart while it is wrong" {
						w.restart()
					}
					w.run(d, d/10)
					w.checkKept("while it is wrong", worldAge)

					w.wrong = 0
					if restart == "a restart after the correction" {
						w.restart()
					}
					w.run(2*time.Minute, 10*time.Second)
					today := w.now().today()
					w.Check(w.stored()[len(w.sent)-1], qt.Equals, today, qt.Commentf("the file after the correction"))
					w.run(6*time.Hour, 10*time.Minute)
					w.checkKept("after the correction", worldAge)

					w.run(4*day, time.Hour)
					w.checkKept("days later", worldAge)
					w.checkRemoved("days later", worldAge+day+time.Hour)
					w.close()
				})
			}
		}
	}
}

// TestClockWrongFromTheStart corrects a clock that was wrong since the first entry. The file that is being
// written then is not removed early, but if the clock was behind by a day, its age is that of its name.
func TestClockWrongFromTheStart(t *testing.T) {
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	for _, test := range []struct{ wrong, kept time.Duration }{
		{time.Minute, worldAge}, {-time.Minute, worldAge},
		{day, worldAge}, {-day, worldAge - day},
		{year, worldAge}, {-year, worldAge},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, restart %v", test.wrong, restart), func(t *testing.T) {
				t.Parallel()
				w := newWorld(qt.New(t))
				w.wrong = test.wrong
				w.run(6*time.Hour, time.Hour)
				w.wrong = 0
				if restart {
					w.restart()
				}
				for range 4 * 24 {
					w.run(time.Hour, time.Hour)
					w.checkKept("after the correction", test.kept)
				}
				w.checkRemoved("days later", worldAge+day+time.Hour)
				w.close()
			})
		}
	}
}

// TestClockDoubtLoggedOnce checks the log while files that are too old remain, and that they are removed
// after an hour in which entries agree with the clock.
func TestClockDoubtLoggedOnce(t *testing.T) {
	c := qt.New(t)
	w := newWorld(c)
	w.run(worldAge, time.Hour)
	w.close()
	w.right = w.right.Add(30 * 24 * time.Hour) // the machine was off
	w.log = nil
	w.open()
	w.run(50*time.Minute, time.Minute)
	c.Check(w.log, qt.DeepEquals, []string{
		"filestore: files older than 2 days are not removed yet, because the clock may be wrong: no entry of its time has arrived"})
	c.Check(len(w.stored()) > 72, qt.IsTrue)
	w.run(15*time.Minute, time.Minute)
	c.Check(len(w.stored()), qt.Equals, 65, qt.Commentf("the old files are removed"))
	last := len(w.sent) - 1
	w.log = nil
	w.wrong = 365 * 24 * time.Hour
	w.run(6*24*time.Hour, time.Hour)
	c.Check(w.log, qt.DeepEquals, []string{
		"filestore: files older than 2 days are not removed yet, because the clock may be wrong: it was set by 8760h0m0s"})
	c.Check(w.stored()[last], qt.Not(qt.Equals), "")
	w.run(25*time.Hour, time.Hour)
	c.Check(w.stored()[last], qt.Equals, "", qt.Commentf("after a week the clock counts although no entry agrees"))
	w.close()
}

// TestClockTrustedAfterRestart checks that a Store that was closed for a minute need not wait for an hour.
func TestClockTrustedAfterRestart(t *testing.T) {
	w := newWorld(qt.New(t))
	w.run(3*24*time.Hour+11*time.Hour, time.Hour)
	w.run(59*time.Minute, time.Minute)
	before := len(w.stored())
	w.restart()
	w.run(2*time.Minute, time.Minute) // until midnight
	w.Check(len(w.stored()) < before, qt.IsTrue)
	w.Check(w.log[len(w.log)-1], qt.Matches, "filestore: removed .*: older than 2 days")
	w.close()
}

// TestClockBehindKeepsNewestFiles checks that MaxBytes removes a file from before the clock was set back,
// although the names of later files have earlier days.
func TestClockBehindKeepsNewestFiles(t *testing.T) {
	w := newWorld(qt.New(t))
	w.run(3*24*time.Hour, time.Hour)
	w.restart()
	w.run(2*24*time.Hour, time.Hour)
	w.wrong = -365 * 24 * time.Hour
	w.run(2*24*time.Hour, time.Hour)
	oldest := slices.Min(slices.Collect(maps.Keys(w.stored())))
	w.store.opts.MaxBytes = w.store.Bytes() - 1
	w.Assert(w.store.tidy(w.now()), qt.IsNil)
	found := w.stored()
	w.Check(found[oldest], qt.Equals, "")
	for n := len(w.sent) - 96; n < len(w.sent); n++ {
		w.Check(found[n], qt.Not(qt.Equals), "", qt.Commentf("%d of %d entries", n, len(w.sent)))
	}
	w.close()
}
