package names

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
const MaxNames = 1 << 16

// Names knows what nodes are called: from the operator's file, which is trusted,
// and from what the nodes write, which is not. The zero names knows nothing.
type Names struct {
	file  NodeNames
	infos map[netip.Addr]record.Node     // what records say of an address
	Users map[netip.Addr]map[string]bool // reporters that have an address as their own side
	sides map[string]int                 // how many such addresses a reporter has
	Full  bool                           // there was no room for some of these
}

// ReadFile reads the file of -nodes.
func (n *Names) ReadFile(path string) (err error) {
	if n.file, err = ReadNodes(path); err != nil {
		return fmt.Errorf("-nodes: %w", err)
	}
	return nil
}

// Node returns the name of a reporter, "" where there is none.
func (n *Names) Node(id string) string { return n.file.Of(id) }

// Learn takes what rec says of addresses.
func (n *Names) Learn(rec *records.Record) {
	n.info(&rec.SrcNode)
	for i := range rec.DstNodes {
		n.info(&rec.DstNodes[i])
	}
	n.Own(rec.Reporter(), rec.VirtualTraffic)
}

// Own notes the sides that a reporter stands on.
func (n *Names) Own(id string, flows []record.ConnectionCounts) {
	if n.Users == nil {
		n.Users = make(map[netip.Addr]map[string]bool)
		n.sides = make(map[string]int)
	}
	var last netip.Addr
	for i := range flows {
		a := flows[i].Src.Addr()
		if a == last || n.Users[a][id] {
			continue
		}
		if len(n.Users) >= MaxNames {
			n.Full = true
			continue
		}
		last = a
		if n.Users[a] == nil {
			n.Users[a] = make(map[string]bool)
		}
		n.Users[a][id] = true
		n.sides[id]++
	}
}

func (n *Names) info(node *record.Node) {
	for _, a := range node.Addresses {
		if n.infos == nil {
			n.infos = make(map[netip.Addr]record.Node)
		}
		if _, ok := n.infos[a]; ok || len(n.infos) < MaxNames {
			n.infos[a] = *node
		}
	}
}

// Owner returns the reporter that has a as its own address. A hub reports the
// addresses of others too, so of several reporters it is the one with the
// fewest addresses.
func (n *Names) Owner(a netip.Addr) string {
	best := ""
	for id := range n.Users[a] {
		if best == "" || cmp.Or(cmp.Compare(n.sides[id], n.sides[best]), cmp.Compare(id, best)) < 0 {
			best = id
		}
	}
	return best
}

// Resolve returns what to show for an address: its name, user or id.
func (n *Names) Resolve(a netip.Addr, what string) string {
	info, owner := n.infos[a], n.Owner(a)
	switch what {
	case "name":
		return cmp.Or(n.Node(owner), info.Name)
	case "user":
		return cmp.Or(info.User, strings.Join(info.Tags, ","))
	}
	return cmp.Or(info.NodeID, ShortID(owner))
}

// IsPublicID reports whether a reporter is what a receiver calls it: one without
// has the name that it gives itself.
func IsPublicID(s string) bool {
	_, err := logtail.ParsePublicID(s)
	return err == nil
}

// ShortID cuts a public ID to what tells it apart.
func ShortID(id string) string {
	if IsPublicID(id) {
		return id[:12]
	}
	return id
}
