// Package wgconf makes keys and configurations of WireGuard devices, for the demo,
// the example, the benchmark and the tests.
package wgconf

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
)

// Key is a pair of WireGuard keys in hexadecimal, as in the configuration.
type Key struct {
	Private, Public string
}

// NewKey returns a fresh random Key.
func NewKey() (Key, error) {
	k, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, err
	}
	return Key{hex.EncodeToString(k.Bytes()), hex.EncodeToString(k.PublicKey().Bytes())}, nil
}

// Peer is one peer of a device.
type Peer struct {
	Public    string         // key
	Endpoint  netip.AddrPort // zero if unknown, so that the peer must connect first
	AllowedIP []netip.Prefix
}

// Device returns the text for IpcSet that sets the private key, the UDP port (0 means any) and the peers of a device.
func Device(private string, port uint16, peers ...Peer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "private_key=%s\nlisten_port=%d\nreplace_peers=true\n", private, port)
	for _, p := range peers {
		b.WriteString(p.String())
	}
	return b.String()
}

// String returns the text for IpcSet that adds or replaces p.
func (p Peer) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "public_key=%s\nprotocol_version=1\nreplace_allowed_ips=true\n", p.Public)
	if p.Endpoint.IsValid() {
		fmt.Fprintf(&b, "endpoint=%s\n", p.Endpoint)
	}
	for _, a := range p.AllowedIP {
		fmt.Fprintf(&b, "allowed_ip=%s\n", a)
	}
	return b.String()
}

// Remove returns the text for IpcSet that removes the peer with the given key.
func Remove(public string) string {
	return fmt.Sprintf("public_key=%s\nremove=true\n", public)
}

// ListenPort returns the UDP port in the answer of IpcGet, or zero.
func ListenPort(config string) uint16 {
	for line := range strings.Lines(config) {
		var port uint16
		if _, err := fmt.Sscanf(line, "listen_port=%d", &port); err == nil {
			return port
		}
	}
	return 0
}
