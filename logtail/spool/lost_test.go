package spool

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

// TestLoggerAllEntriesLost damages all entries while they wait. The loss is reported to the server, is
// not an upload error, and does not delay Shutdown.
func TestLoggerAllEntriesLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		d, srv := newMemDisk(), &server{}
		s, err := open(d, testID.Public(), Options{})
		c.Assert(err, qt.IsNil)
		cfg := srv.config(s)
		cfg.FlushDelay = time.Minute
		l, err := logtail.NewLogger(cfg)
		c.Assert(err, qt.IsNil)
		for n := range 10 {
			fmt.Fprintf(l, `{"n":%d}`, n)
		}
		d.mu.Lock()
		for name, f := range d.files {
			if strings.HasSuffix(name, ".q") {
				clear(f.data)
			}
		}
		d.mu.Unlock()
		time.Sleep(2 * time.Minute)
		c.Check(l.Stats().DroppedEntries, qt.Equals, uint64(10))
		c.Check(l.Stats().LastError, qt.IsNil)
		c.Check(srv.entries, qt.Equals, 1) // the report
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		before := time.Now()
		c.Check(l.Shutdown(ctx), qt.IsNil)
		c.Check(time.Since(before), qt.Equals, time.Duration(0))
		c.Check(s.Close(), qt.IsNil)
	})
}
