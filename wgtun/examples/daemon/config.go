package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// config is the configuration file.
type config struct {
	Interface  string         `json:"interface"`
	Address    []netip.Prefix `json:"address"` // of the interface, with its network: 10.0.0.2/24
	PrivateKey key            `json:"privateKey"`
	ListenPort uint16         `json:"listenPort"`
	Peers      []peer         `json:"peers"`

	DenyPorts []uint16       `json:"denyPorts"` // TCP and UDP ports of this host that peers may not reach
	Subnets   []netip.Prefix `json:"subnets"`   // offered to other nodes
	StateDir  string         `json:"stateDir"`  // for the identity and the spool
	Collector string         `json:"collector"` // base URL; if empty, the collector on this machine
	TokenFile string         `json:"tokenFile"` // file with the bearer token for the collector; may be empty
}

// peer is one peer of the device.
type peer struct {
	PublicKey  key            `json:"publicKey"`
	Endpoint   netip.AddrPort `json:"endpoint,omitzero"`
	AllowedIPs []netip.Prefix `json:"allowedIPs"`
	Keepalive  uint16         `json:"keepalive"` // seconds; 0 turns it off
}

// key is a WireGuard key, in base64 in the file and in hexadecimal for the device.
type key [32]byte

// UnmarshalText reads the output of wg genkey and wg pubkey. Its errors do not contain the key.
func (k *key) UnmarshalText(text []byte) error {
	b, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil || len(b) != len(k) {
		return errors.New("a key has 32 bytes in base64")
	}
	copy(k[:], b)
	return nil
}

func (k key) hex() string { return hex.EncodeToString(k[:]) }

func readConfig(path string) (config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return config{}, err
	}
	var cfg config
	if err := json.Unmarshal(text, &cfg); err != nil {
		return config{}, fmt.Errorf("%s: %w", path, err)
	}
	if cfg.PrivateKey == (key{}) || len(cfg.Address) == 0 || !filepath.IsAbs(cfg.StateDir) {
		return config{}, fmt.Errorf("%s: privateKey, address and an absolute stateDir are required", path)
	}
	return cfg, nil
}

// token returns the bearer token, or "" if TokenFile is empty.
func (c config) token() (string, error) {
	if c.TokenFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(c.TokenFile)
	return strings.TrimSpace(string(text)), err
}

// text returns p in the format of the device (https://www.wireguard.com/xplatform/).
func (p peer) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "public_key=%s\nprotocol_version=1\nreplace_allowed_ips=true\n", p.PublicKey.hex())
	fmt.Fprintf(&b, "persistent_keepalive_interval=%d\n", p.Keepalive)
	if p.Endpoint.IsValid() {
		fmt.Fprintf(&b, "endpoint=%v\n", p.Endpoint)
	}
	for _, a := range p.AllowedIPs {
		fmt.Fprintf(&b, "allowed_ip=%v\n", a)
	}
	return b.String()
}

// change returns the configuration that changes the peers of old to those of c. Peers that stay keep their
// sessions, and their endpoint if c has none.
func (c config) change(old config) string {
	var b strings.Builder
	for _, p := range old.Peers {
		if !c.has(p.PublicKey) {
			fmt.Fprintf(&b, "public_key=%s\nremove=true\n", p.PublicKey.hex())
		}
	}
	for _, p := range c.Peers {
		b.WriteString(p.text())
	}
	return b.String()
}

func (c config) has(k key) bool {
	for _, p := range c.Peers {
		if p.PublicKey == k {
			return true
		}
	}
	return false
}
