package hosts_test

import (
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/hosts"
)

func TestIsLocal(t *testing.T) {
	for host, want := range map[string][2]bool{ // alone, and in a header
		"localhost":                {true, true},
		"LOCALHOST":                {true, true},
		"127.0.0.1":                {true, true},
		"127.9.9.9":                {true, true},
		"::1":                      {true, true},
		"::ffff:127.0.0.1":         {true, true},
		"[::1]":                    {false, true},
		"localhost:80":             {false, true},
		"127.0.0.1:80":             {false, true},
		"[::1]:80":                 {false, true},
		"":                         {},
		":80":                      {},
		"0.0.0.0":                  {},
		"::":                       {},
		"10.0.0.1":                 {},
		"localhost.example.com":    {},
		"127.0.0.1.example.com":    {},
		"127.0.0.1.example.com:80": {},
		"127.1":                    {},
		"2130706433":               {},
		"example.com:127.0.0.1":    {},
		"localhost@example.com":    {},
		"[::1].example.com":        {},
	} {
		got := [2]bool{hosts.IsLocal(host), hosts.IsLocalHeader(host)}
		qt.Check(t, got, qt.Equals, want, qt.Commentf("%q", host))
	}
}

func TestNetwork(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7:80":                  "192.0.2.7",
		"[::ffff:192.0.2.7]:80":         "192.0.2.7",
		"[2001:db8:1:2:3:4:5:6]:80":     "2001:db8:1:2::",
		"[2001:db8:1:2:ffff::1]:1":      "2001:db8:1:2::",
		"[fe80::1%eth0]:80":             "fe80::",
		"@":                             "invalid IP",
		"":                              "invalid IP",
		"192.0.2.7":                     "invalid IP",
		"[fe80::1%\x1b[2J]:80":          "fe80::",
		"[2001:db8:1:2:3:4:5:6%x]:6000": "2001:db8:1:2::",
	} {
		qt.Check(t, hosts.Network(addr).String(), qt.Equals, want, qt.Commentf("%q", addr))
	}
}
