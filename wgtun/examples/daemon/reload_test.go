package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
	"golang.zx2c4.com/wireguard/conn/bindtest"
	"golang.zx2c4.com/wireguard/tun/tuntest"
)

// peersOf returns the lines with the keys and allowed IPs of the peers of d.
func peersOf(c *qt.C, d *daemon) (lines []string) {
	text, err := d.dev.IpcGet()
	c.Assert(err, qt.IsNil)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "public_key=") || strings.HasPrefix(line, "allowed_ip=") {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestReconfigureRefusedChangesNothing makes a change of which the device refuses the second half, and
// checks that the first half is undone.
func TestReconfigureRefusedChangesNothing(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	c.Assert(os.WriteFile(filepath.Join(dir, "token"), []byte("open sesame\n"), 0o600), qt.IsNil)
	private, _ := newKey(c)
	_, one := newKey(c)
	_, two := newKey(c)
	_, three := newKey(c)
	cfg := write(c, dir, private, "10.7.0.1/24", "", allowed(one, "", "10.7.0.2/32"))
	d, err := newDaemon(cfg, tuntest.NewChannelTUN().TUN(), bindtest.NewChannelBinds()[0])
	c.Assert(err, qt.IsNil)
	before := peersOf(c, d)
	c.Check(d.reconfigure(write(c, dir, private, "10.7.0.1/24", "",
		allowed(two, "", "10.7.0.3/32"), allowed(three, "", ""))), qt.ErrorMatches, ".*failed to set allowed ip.*")
	c.Check(peersOf(c, d), qt.DeepEquals, before)
	c.Check(d.reconfigure(cfg), qt.IsNil)
	c.Assert(d.close(), qt.IsNil)
}
