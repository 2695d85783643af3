// Package names finds the names of nodes and addresses.
package names

import (
	"cmp"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/record"
)

// MaxNames limits the addresses that Names remembers.
const MaxNames = 1 << 16

// maxOwners limits the pairs of an address and a reporter that has it. A hub has the addresses of others too.
const maxOwners = 4 * MaxNames

// Names knows the names of nodes: from the file of the operator, which is trusted, and
// from the records, which are not. The zero Names is empty.
type Names struct {
	file  NodeNames
	infos map[netip.Addr]record.Node     // what records say about an address
	Users map[netip.Addr]map[string]bool // reporters that have an address as their own side
	pairs int                            // in Users
	sides map[string]int                 // number of such addresses of a reporter
	Full  bool                           // some addresses or reporters did not fit
}

// ReadFile reads the file of the flag -nodes.
func (n *Names) ReadFile(path string) error {
	data, err := os.ReadFile(path)
	if err == nil {
		n.file, err = ParseNodes(path, data)
	}
	if err != nil {
		return fmt.Errorf("-nodes: %w", err)
	}
	return nil
}

// Node returns the name of a reporter, or "".
func (n *Names) Node(id string) string { return n.file.Of(id) }

// Learn adds what rec says about addresses.
func (n *Names) Learn(rec *records.Record) {
	n.info(&rec.SrcNode)
	for i := range rec.DstNodes {
		n.info(&rec.DstNodes[i])
	}
	n.Own(rec.Reporter(), rec.VirtualTraffic)
}

// Own records the addresses that a reporter has as its own side of flows.
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
		if len(n.Users) >= MaxNames || n.pairs >= maxOwners {
			n.Full = true
			continue
		}
		last = a
		if n.Users[a] == nil {
			n.Users[a] = make(map[string]bool)
		}
		n.Users[a][id] = true
		n.pairs++
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

// Owner returns the reporter that has a as its own address. A hub reports the addresses
// of others too, so it is the reporter with the fewest addresses.
func (n *Names) Owner(a netip.Addr) string {
	best := ""
	for id := range n.Users[a] {
		if best == "" || cmp.Or(cmp.Compare(n.sides[id], n.sides[best]), cmp.Compare(id, best)) < 0 {
			best = id
		}
	}
	return best
}

// Resolve returns the name, user or id of an address, or "".
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

// IsPublicID reports whether s is a public ID.
func IsPublicID(s string) bool {
	_, err := logtail.ParsePublicID(s)
	return err == nil
}

// ShortID returns the first digits of a public ID. It returns other IDs unchanged.
func ShortID(id string) string {
	if IsPublicID(id) {
		return id[:12]
	}
	return id
}
