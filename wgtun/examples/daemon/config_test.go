package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
	"golang.zx2c4.com/wireguard/conn/bindtest"
	"golang.zx2c4.com/wireguard/tun"
	"golang.zx2c4.com/wireguard/tun/tuntest"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/spool"
)

// TestReadConfigInvalid checks that errors name the problem and do not contain the key.
func TestReadConfigInvalid(t *testing.T) {
	private, _ := newKey(qt.New(t))
	for _, test := range []struct{ name, text, want string }{
		{"no JSON", `[Interface]`, "invalid character"},
		{"short key", `{"privateKey":"` + private[:20] + `"}`, "32 bytes in base64"},
		{"key not in base64", `{"privateKey":"(` + private[1:] + `"}`, "32 bytes in base64"},
		{"no key", `{"address":["10.7.0.1/24"],"stateDir":"/x"}`, "are required"},
		{"no address", `{"privateKey":"` + private + `","stateDir":"/x"}`, "are required"},
		{"relative directory", `{"privateKey":"` + private + `","address":["10.7.0.1/24"],"stateDir":"x"}`, "are required"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "vpn.json")
			qt.Assert(t, os.WriteFile(path, []byte(test.text), 0o600), qt.IsNil)
			_, err := readConfig(path)
			qt.Assert(t, err, qt.ErrorMatches, ".*vpn.json: .*"+test.want+".*")
			qt.Check(t, strings.Contains(err.Error(), private[1:20]), qt.IsFalse)
		})
	}
	_, err := readConfig(filepath.Join(t.TempDir(), "none"))
	qt.Check(t, err, qt.ErrorIs, os.ErrNotExist)
}

func TestTokenOptional(t *testing.T) {
	token, err := config{}.token()
	qt.Check(t, err, qt.IsNil)
	qt.Check(t, token, qt.Equals, "")
}

func TestNewDaemonFailureClosesEverything(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(dir string, cfg *config) error
	}{
		{"invalid allowed IP", func(_ string, cfg *config) error {
			cfg.Peers = []peer{{}}
			return json.Unmarshal([]byte(`[""]`), &cfg.Peers[0].AllowedIPs)
		}},
		{"invalid identity", func(dir string, _ *config) error {
			return os.WriteFile(filepath.Join(dir, "flows.id"), []byte("x"), 0o600)
		}},
		{"no token", func(dir string, _ *config) error { return os.Remove(filepath.Join(dir, "token")) }},
		{"spool of another identity", func(dir string, _ *config) error {
			s, err := spool.Open(filepath.Join(dir, "flows"), logtail.PublicID{1}, spool.Options{})
			if err == nil {
				err = s.Close()
			}
			return err
		}},
		{"invalid collector", func(_ string, cfg *config) error { cfg.Collector = "ftp://127.0.0.1"; return nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := qt.New(t)
			dir := t.TempDir()
			c.Assert(os.WriteFile(filepath.Join(dir, "token"), []byte("open sesame\n"), 0o600), qt.IsNil)
			private, _ := newKey(c)
			cfg := write(c, dir, private, "10.7.0.1/24", "")
			c.Assert(test.edit(dir, &cfg), qt.IsNil)
			inner := tuntest.NewChannelTUN()
			_, err := newDaemon(cfg, inner.TUN(), bindtest.NewChannelBinds()[0])
			c.Assert(err, qt.IsNotNil)
			for e := range inner.TUN().Events() { // until the device is closed
				c.Check(e, qt.Equals, tun.Event(tun.EventUp))
			}
			lock, err := spool.Open(filepath.Join(dir, "flows"), logtail.PublicID{2}, spool.Options{})
			if err == nil {
				lock.Close()
			}
			c.Check(err, qt.Not(qt.ErrorIs), spool.ErrLocked)
		})
	}
}
