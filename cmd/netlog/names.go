package main

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"

	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/record"
)

// maxNames bounds the addresses that names remembers.
const maxNames = 1 << 16

// names knows what nodes are called: from the operator's file, which is trusted,
// and from what the nodes write, which is not. The zero names knows nothing.
type names struct {
	file  nodeNames
	infos map[netip.Addr]record.Node     // what records say of an address
	users map[netip.Addr]map[string]bool // reporters that have an address as their own side
	sides map[string]int                 // how many such addresses a reporter has
	full  bool                           // there was no room for some of these
}

// readFile reads the file of -nodes.
func (n *names) readFile(path string) (err error) {
	if n.file, err = readNodes(path); err != nil {
		return fmt.Errorf("-nodes: %w", err)
	}
	return nil
}

// node returns the name of a reporter, "" where there is none.
func (n *names) node(id string) string { return n.file.of(id) }

// learn takes what rec says of addresses.
func (n *names) learn(rec *records.Record) {
	n.info(&rec.SrcNode)
	for i := range rec.DstNodes {
		n.info(&rec.DstNodes[i])
	}
	n.own(rec.Reporter(), rec.VirtualTraffic)
}

// own notes the sides that a reporter stands on.
func (n *names) own(id string, flows []record.ConnectionCounts) {
	if n.users == nil {
		n.users = make(map[netip.Addr]map[string]bool)
		n.sides = make(map[string]int)
	}
	var last netip.Addr
	for i := range flows {
		a := flows[i].Src.Addr()
		if a == last || n.users[a][id] {
			continue
		}
		if len(n.users) >= maxNames {
			n.full = true
			continue
		}
		last = a
		if n.users[a] == nil {
			n.users[a] = make(map[string]bool)
		}
		n.users[a][id] = true
		n.sides[id]++
	}
}

func (n *names) info(node *record.Node) {
	for _, a := range node.Addresses {
		if n.infos == nil {
			n.infos = make(map[netip.Addr]record.Node)
		}
		if _, ok := n.infos[a]; ok || len(n.infos) < maxNames {
			n.infos[a] = *node
		}
	}
}

// owner returns the reporter that has a as its own address. A hub reports the
// addresses of others too, so of several reporters it is the one with the
// fewest addresses.
func (n *names) owner(a netip.Addr) string {
	best := ""
	for id := range n.users[a] {
		if best == "" || cmp.Or(cmp.Compare(n.sides[id], n.sides[best]), cmp.Compare(id, best)) < 0 {
			best = id
		}
	}
	return best
}

// resolve returns what to show for an address: its name, user or id.
func (n *names) resolve(a netip.Addr, what string) string {
	info, owner := n.infos[a], n.owner(a)
	switch what {
	case "name":
		return cmp.Or(n.node(owner), info.Name)
	case "user":
		return cmp.Or(info.User, strings.Join(info.Tags, ","))
	}
	return cmp.Or(info.NodeID, shortID(owner))
}

// isPublicID reports whether a reporter is what a receiver calls it: one without
// has the name that it gives itself.
func isPublicID(s string) bool {
	_, err := logtail.ParsePublicID(s)
	return err == nil
}

// shortID cuts a public ID to what tells it apart.
func shortID(id string) string {
	if isPublicID(id) {
		return id[:12]
	}
	return id
}
