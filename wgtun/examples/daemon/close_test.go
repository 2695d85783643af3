package main

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"golang.zx2c4.com/wireguard/conn/bindtest"
	"golang.zx2c4.com/wireguard/tun/tuntest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/spool"
)

var errFull = errors.New("no space left on device")

// fullSpool is a spool on a full disk.
type fullSpool struct{ *spool.Spool }

func (fullSpool) Append([]byte) error { return errFull }

// TestCloseReportsLostWindow checks that close ignores entries that stay in the spool, but returns an
// error for a window that the spool did not accept.
func TestCloseReportsLostWindow(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	c.Assert(os.WriteFile(filepath.Join(dir, "token"), nil, 0o600), qt.IsNil)
	private, _ := newKey(c)
	host := tuntest.NewChannelTUN()
	d, err := newDaemon(write(c, dir, private, "10.7.0.1/24", "http://127.0.0.1:1"), host.TUN(), bindtest.NewChannelBinds()[0])
	c.Assert(err, qt.IsNil)
	c.Assert(d.logger.Shutdown(t.Context()), qt.IsNil)
	c.Assert(d.spool.Append([]byte(`{"logtail":{}}`)), qt.IsNil)

	d.patience = 50 * time.Millisecond
	d.logger = &netlog.Logger{Upload: logtail.Config{BaseURL: "http://127.0.0.1:1", Buffer: fullSpool{d.spool}}}
	id, err := logtail.LoadOrCreatePrivateID(filepath.Join(dir, "flows.id"))
	c.Assert(err, qt.IsNil)
	c.Assert(d.logger.Startup(id, logtail.PrivateID{}, d.tun, nil), qt.IsNil)
	host.Outbound <- tuntest.Ping(netip.MustParseAddr("10.7.0.2"), netip.MustParseAddr("10.7.0.1"))
	host.Outbound <- tuntest.Ping(netip.MustParseAddr("10.7.0.2"), netip.MustParseAddr("10.7.0.1")) // the first has been counted now
	c.Check(d.close(), qt.ErrorIs, errFull)
}
