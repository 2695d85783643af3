package main

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"golang.zx2c4.com/wireguard/conn/bindtest"
	"golang.zx2c4.com/wireguard/tun/tuntest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
)

// books is a receiver.Sink that keeps the records of each node.
type books struct {
	mu      sync.Mutex // guards the fields below
	records map[logtail.PublicID][]netlog.Message
}

func (b *books) Store(_ context.Context, batch receiver.Batch) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range batch.Entries {
		var m netlog.Message
		if err := json.Unmarshal(e, &m); err != nil {
			return err
		}
		b.records[batch.ID] = append(b.records[batch.ID], m)
	}
	return nil
}

// denied returns the denied traffic of a node, as text.
func (b *books) denied(id logtail.PublicID) (all []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.records[id] {
		for _, c := range m.DeniedTraffic {
			all = append(all, fmt.Sprint(c))
		}
	}
	return all
}

// of returns the virtual and exit traffic of a node, as text.
func (b *books) of(id logtail.PublicID) (virtual, exit []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.records[id] {
		for _, c := range m.VirtualTraffic {
			virtual = append(virtual, fmt.Sprint(c.Tuple, " ", c.Counts))
		}
		for _, c := range m.ExitTraffic {
			exit = append(exit, fmt.Sprint(c.Tuple, " ", c.Counts))
		}
	}
	return virtual, exit
}

func newKey(c *qt.C) (private, public string) {
	k, err := ecdh.X25519().GenerateKey(rand.Reader)
	c.Assert(err, qt.IsNil)
	return base64.StdEncoding.EncodeToString(k.Bytes()), base64.StdEncoding.EncodeToString(k.PublicKey().Bytes())
}

// write writes a configuration file and reads it as the daemon does.
func write(c *qt.C, dir, private, address, collector string, peers ...map[string]any) config {
	path := filepath.Join(dir, "vpn.json")
	text, err := json.Marshal(map[string]any{
		"interface": "wg0", "privateKey": private, "address": []string{address}, "stateDir": dir,
		"collector": collector, "tokenFile": filepath.Join(dir, "token"), "peers": peers,
	})
	c.Assert(err, qt.IsNil)
	c.Assert(os.WriteFile(path, text, 0o600), qt.IsNil)
	cfg, err := readConfig(path)
	c.Assert(err, qt.IsNil)
	return cfg
}

func allowed(public, endpoint string, ips ...string) map[string]any {
	p := map[string]any{"publicKey": public, "allowedIPs": ips}
	if endpoint != "" {
		p["endpoint"] = endpoint
	}
	return p
}

func TestDaemon(t *testing.T) {
	c := qt.New(t)
	seen := &books{records: make(map[logtail.PublicID][]netlog.Message)}
	inner := &receiver.Handler{Sink: seen}
	var up sync.Mutex // held while the collector is down
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !up.TryLock() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		defer up.Unlock()
		if r.Header.Get("Authorization") != "Bearer open sesame" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	defer server.Close()

	dirA, dirB := t.TempDir(), t.TempDir()
	for _, dir := range []string{dirA, dirB} {
		c.Assert(os.WriteFile(filepath.Join(dir, "token"), []byte("open sesame\n"), 0o600), qt.IsNil)
	}
	privateA, publicA := newKey(c)
	privateB, publicB := newKey(c)
	_, publicC := newKey(c)
	binds := bindtest.NewChannelBinds()
	hostA, hostB := tuntest.NewChannelTUN(), tuntest.NewChannelTUN()

	a, err := newDaemon(write(c, dirA, privateA, "10.7.0.1/24", server.URL, allowed(publicB, "127.0.0.1:1", "10.7.0.2/32")), hostA.TUN(), binds[0])
	c.Assert(err, qt.IsNil)
	b, err := newDaemon(write(c, dirB, privateB, "10.7.0.2/24", server.URL, allowed(publicA, "127.0.0.1:1", "10.7.0.1/32", "10.9.0.0/24")), hostB.TUN(), binds[1])
	c.Assert(err, qt.IsNil)

	ping := func(from, to *tuntest.ChannelTUN, src, dst string) {
		c.Helper()
		msg := tuntest.Ping(netip.MustParseAddr(dst), netip.MustParseAddr(src))
		from.Outbound <- msg
		c.Assert(bytes.Equal(<-to.Inbound, msg), qt.IsTrue)
	}
	ping(hostA, hostB, "10.7.0.1", "10.7.0.2")
	ping(hostB, hostA, "10.7.0.2", "10.7.0.1")

	// The filter of a drops a packet to a denied port, and lets the next one pass.
	cfg := a.cfg
	cfg.DenyPorts = []uint16{22}
	c.Assert(a.reconfigure(cfg), qt.IsNil)
	hostB.Outbound <- packet(0, flowtrack.UDP, 22, nil)
	allowedPacket := packet(0, flowtrack.UDP, 23, nil)
	hostB.Outbound <- allowedPacket
	c.Assert(<-hostA.Inbound, qt.DeepEquals, allowedPacket)

	// The session with a peer continues while another peer is added and removed.
	c.Assert(a.reconfigure(write(c, dirA, privateA, "10.7.0.1/24", server.URL,
		allowed(publicB, "", "10.7.0.2/32"), allowed(publicC, "", "10.7.0.3/32"))), qt.IsNil)
	ping(hostA, hostB, "10.7.0.1", "10.7.0.2")
	c.Assert(a.reconfigure(write(c, dirA, privateA, "10.7.0.1/24", server.URL, allowed(publicB, "", "10.7.0.2/32"))), qt.IsNil)
	ping(hostA, hostB, "10.7.0.1", "10.7.0.2")

	c.Assert(a.close(), qt.IsNil)
	virtual, exit := seen.of(a.id)
	c.Check(len(virtual) > 0, qt.IsTrue)
	c.Check(seen.denied(a.id), qt.DeepEquals, []string{"UDP 10.7.0.1:22 -> 10.7.0.2:40000 tx 0/0 rx 1/28"})
	c.Check(exit, qt.HasLen, 0)

	// The collector is down when b ends. The records of b stay in the spool, and the next start
	// sends them.
	up.Lock()
	b.patience = 100 * time.Millisecond
	c.Assert(b.close(), qt.IsNil)
	virtual, _ = seen.of(b.id)
	c.Check(virtual, qt.HasLen, 0)
	up.Unlock()
	id := b.id
	b, err = newDaemon(b.cfg, tuntest.NewChannelTUN().TUN(), bindtest.NewChannelBinds()[1])
	c.Assert(err, qt.IsNil)
	c.Check(b.id, qt.Equals, id)
	c.Assert(b.close(), qt.IsNil)
	virtual, exit = seen.of(b.id)
	c.Check(len(virtual) > 0, qt.IsTrue)
	c.Check(exit, qt.HasLen, 0)
}
