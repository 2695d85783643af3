package wgtun

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/go-netlog/netlog/internal/wgpeer"
)

// The bounds of a configuration. wireguard-go itself allows 65,536 peers.
const (
	maxLine    = 512     // bytes of a line whose key is known; others may have any length
	maxPeers   = 1 << 16 // public_key lines
	maxAllowed = 1 << 18 // allowed_ip lines of all peers
)

// configReader is an io.Writer that parses the output of IpcGetOperation. It keeps no secrets: it ignores the lines
// private_key and preshared_key without reading their values. Its memory is bounded, whatever is written. The result
// does not depend on where one Write ends and the next begins.
type configReader struct {
	peers   []wgpeer.Peer
	allowed int    // prefixes of all peers
	partial []byte // the beginning of a line at the end of a Write, at most maxLine+1 bytes
	err     error  // the first error; nothing is read after it
}

// Write parses the lines of p. It fails after the first line that is wrong.
func (c *configReader) Write(p []byte) (int, error) {
	n := len(p)
	for c.err == nil {
		line, rest, found := bytes.Cut(p, []byte("\n"))
		if !found {
			c.keep(line)
			return n, nil
		}
		if len(c.partial) > 0 {
			c.keep(line)
			line = c.partial
		}
		c.err = c.readLine(line)
		clear(c.partial) // it may hold a key
		c.partial = c.partial[:0]
		p = rest
	}
	return 0, c.err
}

// keep appends a piece of a line to partial. It drops what is past maxLine+1 bytes, which is enough for readLine to see
// that the line is too long.
func (c *configReader) keep(piece []byte) {
	room := maxLine + 1 - len(c.partial)
	c.partial = append(c.partial, piece[:min(len(piece), room)]...)
}

// readLine reads a line, whose error names the key. Of a line longer than maxLine it needs only the beginning.
func (c *configReader) readLine(line []byte) error {
	key, value, _ := bytes.Cut(line, []byte("="))
	switch string(key) {
	case "public_key":
	case "endpoint", "allowed_ip", "tx_bytes", "rx_bytes", "last_handshake_time_sec", "last_handshake_time_nsec":
		if len(c.peers) == 0 {
			return nil // a field of the device itself
		}
	default:
		return nil // a field that is not needed, or that only a fork has
	}
	if len(line) > maxLine {
		return fmt.Errorf("wgtun: %s: the line is longer than %d bytes", key, maxLine)
	}
	if err := c.readField(string(key), string(value)); err != nil {
		return fmt.Errorf("wgtun: %s: %w", key, err)
	}
	return nil
}

// readField begins a peer or sets a field of the last one.
func (c *configReader) readField(key, value string) error {
	if key == "public_key" {
		if len(c.peers) == maxPeers {
			return fmt.Errorf("more than %d peers", maxPeers)
		}
		if raw, err := hex.DecodeString(value); err == nil { // otherwise a fork writes its keys in another way
			value = base64.StdEncoding.EncodeToString(raw)
		}
		c.peers = append(c.peers, wgpeer.Peer{Key: value})
		return nil
	}
	peer := &c.peers[len(c.peers)-1]
	switch key {
	case "endpoint":
		if ap, err := netip.ParseAddrPort(value); err == nil { // otherwise it may be the name of a relay
			peer.SetEndpoint(ap)
		}
	case "tx_bytes":
		return readCounter(&peer.Tx, value)
	case "rx_bytes":
		return readCounter(&peer.Rx, value)
	case "last_handshake_time_sec", "last_handshake_time_nsec":
		n, err := strconv.ParseInt(value, 10, 64)
		switch {
		case err != nil:
			return fmt.Errorf("%.60q is not a time", value)
		case key == "last_handshake_time_sec" && n != 0: // 0: there was none
			peer.LastHandshake = time.Unix(n, 0).UTC()
		case !peer.LastHandshake.IsZero():
			peer.LastHandshake = peer.LastHandshake.Add(time.Duration(n))
		}
	case "allowed_ip":
		prefix, err := netip.ParsePrefix(value)
		switch {
		case err != nil:
			return fmt.Errorf("%.60q is not an address with a prefix length", value)
		case c.allowed == maxAllowed:
			return fmt.Errorf("more than %d prefixes", maxAllowed)
		}
		c.allowed++
		peer.Allowed = append(peer.Allowed, prefix)
	}
	return nil
}

// readCounter sets n. A counter that is guessed would make the next increment wrong.
func readCounter(n *uint64, value string) (err error) {
	if *n, err = strconv.ParseUint(value, 10, 64); err != nil {
		return fmt.Errorf("%.60q is not a number of bytes", value)
	}
	return nil
}
