package wgtun_test

import (
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/wgtun"
)

// Keys of AmneziaWG, and some that no program has. The values of i1 to i5 describe packets and may be long.
var (
	forkHeader = "jc=4\njmin=40\njmax=70\ns1=15\ns2=18\ns3=20\ns4=23\nh1=1020325451-1020325460\nh2=3288052141\nh3=1766607858\n" +
		"h4=2528465083\ni1=<b 0x" + strings.Repeat("c7", 5000) + "><r 16>\ni2=<t><c>\nj1=public_key=" + keyB + "\nitime=60\nno value"
	forkPeer = "\nadvanced_security=on\nallowed_ips_v3=0.0.0.0/0\nendpoint_2=192.0.2.66:6\n=\n\npersistent\nx1=" + strings.Repeat("=", 3000)
)

// TestForkKeysIgnored checks that Routes and Underlay read the same from a fork of wireguard-go, however its text is
// cut into writes.
func TestForkKeysIgnored(t *testing.T) {
	for _, chunk := range []int{0, 1, 7, 512, 4096} {
		t.Run(fmt.Sprintf("chunk=%d", chunk), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // so that no device is busy, however slow the machine
				c := qt.New(t)
				dev := &fakeConfig{chunk: chunk}
				set := func(n int) {
					dev.set(header, forkHeader,
						peerLines(keyA, "192.0.2.1:1", n, 2*n, "10.0.0.2/32", "10.1.0.0/16")+forkPeer,
						peerLines(keyB, "[2001:db8::7]:9", 3*n, 0, "fd00::3/128")+forkPeer)
				}
				set(100)
				u := wgtun.Underlay(dev)
				u.SetStatisticsEnabled(true)
				set(110)
				c.Check(flows(u.ExtractStatistics()), qt.DeepEquals, map[string]string{
					"unknown 10.0.0.2:0 -> 192.0.2.1:1":      "tx 0/10 rx 0/20",
					"unknown [fd00::3]:0 -> [2001:db8::7]:9": "tx 0/30 rx 0/0",
				})
				cfg, err := wgtun.Routes(dev, netip.MustParsePrefix("10.0.0.1/24"))
				c.Assert(err, qt.IsNil)
				c.Check(fmt.Sprint(*cfg), qt.Equals, "{[10.0.0.1/24] [10.0.0.2/32 10.1.0.0/16 fd00::3/128] [] []}")
			})
		})
	}
}

// TestConfigErrorsNameField checks the errors of Routes, and that an Underlay then reports nothing and catches up.
func TestConfigErrorsNameField(t *testing.T) {
	long := strings.Repeat("9", wgtun.MaxLine)
	tests := []struct{ line, want string }{
		{"tx_bytes=-1", `wgtun: tx_bytes: "-1" is not a number of bytes`},
		{"rx_bytes=18446744073709551616", `wgtun: rx_bytes: "18446744073709551616" is not a number of bytes`},
		{"rx_bytes", `wgtun: rx_bytes: "" is not a number of bytes`},
		{"allowed_ip=10.0.0.2", `wgtun: allowed_ip: "10.0.0.2" is not an address with a prefix length`},
		{"allowed_ip=" + long[:70], `wgtun: allowed_ip: "` + long[:60] + `" is not an address with a prefix length`},
		{"public_key=" + long, `wgtun: public_key: the line is longer than 512 bytes`},
		{"endpoint=" + long, `wgtun: endpoint: the line is longer than 512 bytes`},
		{"tx_bytes=" + long, `wgtun: tx_bytes: the line is longer than 512 bytes`},
	}
	for _, tt := range tests {
		for _, chunk := range []int{0, 7} {
			for _, hidden := range []bool{false, true} {
				t.Run(fmt.Sprintf("%.20s/chunk=%d/hidden=%v", tt.line, chunk, hidden), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { // so that no device is busy, however slow the machine
						c := qt.New(t)
						dev := &fakeConfig{chunk: chunk, hidden: hidden}
						peer := func(n int) string { return peerLines(keyA, "192.0.2.1:1", n, 0, "10.0.0.2/32") }
						dev.set(header, peer(1))
						u := wgtun.Underlay(dev)
						u.SetStatisticsEnabled(true)

						dev.set(header, peer(5), tt.line, "allowed_ip=10.0.0.3/32")
						cfg, err := wgtun.Routes(dev)
						c.Check(err, qt.ErrorMatches, tt.want)
						c.Check(cfg, qt.IsNil)
						c.Check(u.ExtractStatistics(), qt.HasLen, 0)

						dev.set(header, peer(8))
						c.Check(flows(u.ExtractStatistics()), qt.DeepEquals, map[string]string{"unknown 10.0.0.2:0 -> 192.0.2.1:1": "tx 0/7 rx 0/0"})
					})
				})
			}
		}
	}
}

// TestConfigLineAtLimit checks that the limit of a line is exact, in one write and in several.
func TestConfigLineAtLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, chunk := range []int{0, 7} {
			for over := range 2 {
				dev := &fakeConfig{chunk: chunk}
				dev.set(peerLines(keyA, "", 0, 0), "endpoint="+strings.Repeat("x", wgtun.MaxLine-len("endpoint=")+over))
				_, err := wgtun.Routes(dev)
				qt.Check(t, err != nil, qt.Equals, over > 0, qt.Commentf("%v", err))
			}
		}
	})
}

// endless is a ConfigSource that writes the same text many times, unless a Write fails.
type endless struct {
	first, text string
	times       int
}

func (e endless) IpcGetOperation(w io.Writer) error {
	w.Write([]byte(e.first))
	text := []byte(e.text)
	for range e.times {
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	return nil
}

func TestConfigBounds(t *testing.T) {
	peer := "public_key=" + keyA + "\n"
	tests := []struct {
		name string
		dev  endless
		want string
	}{
		{"peers", endless{"", peer, wgtun.MaxPeers + 1}, "wgtun: public_key: more than 65536 peers"},
		{"prefixes of one peer", endless{peer, "allowed_ip=10.0.0.2/32\n", wgtun.MaxAllowed + 1}, "wgtun: allowed_ip: more than 262144 prefixes"},
		{"prefixes of all peers", endless{"", peer + strings.Repeat("allowed_ip=fd00::2/128\n", 32), wgtun.MaxAllowed/32 + 1},
			"wgtun: allowed_ip: more than 262144 prefixes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // so that no device is busy, however slow the machine
				c := qt.New(t)
				_, err := wgtun.Routes(tt.dev)
				c.Check(err, qt.ErrorMatches, tt.want)
				tt.dev.times--
				cfg, err := wgtun.Routes(tt.dev)
				c.Assert(err, qt.IsNil)
				c.Check(len(cfg.Routes), qt.Equals, strings.Count(tt.dev.text, "allowed_ip")*tt.dev.times)
			})
		})
	}
}

// TestConfigLongLinesTakeNoMemory writes lines of 64 MiB that have no end, with keys that are unknown and known.
func TestConfigLongLinesTakeNoMemory(t *testing.T) {
	for _, key := range []string{"i1=", "private_key=", "endpoint=", ""} {
		synctest.Test(t, func(t *testing.T) {
			dev := endless{"public_key=" + keyA + "\n" + key, strings.Repeat("x", 64<<10), 1024}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := wgtun.Routes(dev)
			runtime.ReadMemStats(&after)
			qt.Check(t, err, qt.IsNil)
			bytes := after.TotalAlloc - before.TotalAlloc
			qt.Check(t, bytes < 1<<20, qt.IsTrue, qt.Commentf("%q: %d bytes", key, bytes))
		})
	}
}
