package netlog_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"os"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/faultbuffer"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/spool"
	"github.com/go-netlog/netlog/tunstats"
)

func TestPacketsDoNotWait(t *testing.T) {
	for _, what := range []string{"the server", "the disk", "OnRecord", "Ignore"} {
		t.Run(what+" hangs", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wait, release := hang()
				var meter tunstats.Meter
				var l netlog.Logger
				l.Upload.HTTPClient = &http.Client{Transport: new(weigh)}
				switch what {
				case "the server":
					l.Upload.HTTPClient.Transport = &server{answer: func(req *http.Request) (int, error) {
						<-req.Context().Done()
						return 0, req.Context().Err()
					}}
				case "the disk":
					buffer := faultbuffer.New(0)
					buffer.Before(faultbuffer.Append, func() error { wait(); return nil })
					l.Upload.Buffer = buffer
				case "OnRecord":
					l.OnRecord = func(*netlog.Message) { wait() }
				case "Ignore":
					l.Ignore = func(flowtrack.Tuple) bool { wait(); return false }
				}
				startup(t, &l, &meter, routes())
				packet := udpPacket(local, peer)
				meter.UpdateTx(packet)
				time.Sleep(time.Minute) // now it hangs, if anything does

				began := time.Now() // a call that waits would let the bubble's time go on
				for range 1000 {
					meter.UpdateTx(packet)
					meter.UpdateRx(packet)
				}
				qt.Check(t, time.Since(began), qt.Equals, time.Duration(0))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				qt.Check(t, l.Shutdown(ctx), qt.IsNotNil)
				release()
			})
		})
	}
}

func TestExitPolicyHidesDestinationsOnDisk(t *testing.T) {
	dir := t.TempDir()
	var destinations []netip.Addr
	synctest.Test(t, func(t *testing.T) {
		id := secrettest.NewID()
		disk, err := spool.Open(dir, id.Public(), spool.Options{})
		qt.Assert(t, err, qt.IsNil)
		down := &server{answer: func(*http.Request) (int, error) { return 0, errors.New("connection refused") }}
		l := netlog.Logger{Upload: down.config()}
		l.Upload.Buffer = disk
		var meter tunstats.Meter
		qt.Assert(t, l.Startup(id, logtail.PrivateID{}, &meter, routes("0.0.0.0/1", "128.0.0.0/1")), qt.IsNil)
		rnd := rand.New(rand.NewPCG(3, 4))
		for range 10 {
			for range 100 {
				dst := netip.AddrFrom4([4]byte{byte(11 + rnd.IntN(80)), byte(rnd.IntN(256)), byte(rnd.IntN(256)), byte(100 + rnd.IntN(100))})
				destinations = append(destinations, dst)
				meter.UpdateTx(udpPacket(local, netip.AddrPortFrom(dst, 443)))
			}
			meter.UpdateTx(udpPacket(local, peer))
			time.Sleep(5 * time.Second)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		undelivered, ok := errors.AsType[*logtail.UndeliveredError](l.Shutdown(ctx))
		qt.Assert(t, ok, qt.IsTrue)
		qt.Check(t, undelivered.Kept, qt.IsTrue)
		qt.Assert(t, disk.Close(), qt.IsNil)
	})

	var stored []byte
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		file, err := fs.ReadFile(os.DirFS(dir), path)
		stored = append(stored, file...)
		return err
	})
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, secrettest.CheckFiles(t, dir) > 0, qt.IsTrue)
	qt.Assert(t, bytes.Contains(stored, []byte(peer.String())), qt.IsTrue, qt.Commentf("known addresses are there, and in clear"))
	for _, dst := range destinations {
		for _, form := range spellings(dst) {
			qt.Assert(t, bytes.Contains(stored, form), qt.IsFalse, qt.Commentf("%s", form))
		}
	}
}

func TestDefaultsMatchREADME(t *testing.T) {
	l := netlog.Logger{Upload: new(server).config()}
	startup(t, &l, new(fakeDevice), nil)
	qt.Check(t, l.Stats().Upload.BufferMaxBytes, qt.Equals, int64(8<<20))
	shutdown(t, &l)
	qt.Check(t, tunstats.DefaultMaxFlows, qt.Equals, 16_384)
	qt.Check(t, netlog.DefaultPollPeriod, qt.Equals, 5*time.Second)
	qt.Check(t, spool.DefaultMaxBytes, qt.Equals, 32<<20)
}
