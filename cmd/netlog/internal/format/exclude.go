package format

import (
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/go-netlog/netlog/cmd/netlog/internal/names"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/record"
)

// excluder removes nodes and addresses from records, for those who ask to be forgotten.
type excluder struct {
	words     []string        // as given
	addresses addresses       // given, or those of excluded nodes
	nodes     []string        // given by ID or name
	texts     map[string]bool // their IDs and names

	names   names.Names           // of all nodes, to find the owners of addresses
	aliases map[string][]*aliases // by each of the texts
	known   map[string]bool       // those in aliases

	cut     int // records that lost flows or nodes
	dropped int // records that were left out
}

// add adds an argument of -exclude.
func (x *excluder) add(s string) error {
	node, p, err := parseNode(s)
	if err != nil {
		return err
	}
	x.words = append(x.words, s)
	if p.IsValid() {
		x.addresses.add(p)
		return nil
	}
	if id, err := logtail.ParsePublicID(node); err == nil {
		node = id.String() // in lower case
	}
	x.nodes = append(x.nodes, node)
	x.addText(node)
	return nil
}

func (x *excluder) addText(s string) {
	if x.texts == nil {
		x.texts = make(map[string]bool)
	}
	if s != "" {
		x.texts[s] = true
	}
}

// needsNames reports whether learn must see the input first.
func (x *excluder) needsNames() bool { return len(x.nodes) > 0 }

// aliases are the names and addresses that one record gives one node.
type aliases struct {
	texts     []string // IDs and names
	addresses []netip.Addr
}

// errManyNames is an error, because what cannot be learned would not be removed.
var errManyNames = fmt.Errorf("-exclude of a node must know who is who, and there are more than %d addresses or nodes: "+
	"give fewer files or days at once, or exclude its addresses", names.MaxNames)

// learn collects the names of all nodes in rec, and whether it comes from an excluded
// one.
func (x *excluder) learn(rec *records.Record, name func(id string) string) error {
	x.names.Own(rec.Reporter(), rec.VirtualTraffic)
	x.names.Own(rec.Reporter(), rec.SubnetTraffic) // for a router this includes the hosts of its subnet
	x.learnNode(&rec.SrcNode, rec.Reporter(), rec.NodeID)
	for i := range rec.DstNodes {
		x.learnNode(&rec.DstNodes[i])
	}
	if rec.Event == record.EventPeer {
		x.learnNode(peerNode(&rec.Peer))
	}
	for _, word := range x.nodes {
		if isNode(rec, word, name) {
			x.addText(rec.Reporter())
		}
	}
	if x.names.Full || len(x.known) > names.MaxNames {
		return errManyNames
	}
	return nil
}

// learnNode records that n has the further names in more.
func (x *excluder) learnNode(n *record.Node, more ...string) {
	a := &aliases{append(more, n.NodeID, n.Name), n.Addresses}
	key := fmt.Sprintf("%q %v", a.texts, a.addresses)
	if x.known[key] || len(x.known) > names.MaxNames { // one more than the limit, to report it
		return
	}
	if x.known == nil {
		x.known, x.aliases = make(map[string]bool), make(map[string][]*aliases)
	}
	x.known[key] = true
	for _, s := range a.texts {
		if s != "" {
			x.aliases[s] = append(x.aliases[s], a)
		}
	}
}

// settle follows the names of the excluded nodes from record to record, in any order, and
// adds the addresses that these nodes report as their own.
func (x *excluder) settle() {
	todo := slices.Collect(maps.Keys(x.texts))
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, a := range x.aliases[s] {
			for _, addr := range a.addresses {
				x.addAddress(addr)
			}
			for _, s := range a.texts {
				if s != "" && !x.texts[s] {
					x.addText(s)
					todo = append(todo, s)
				}
			}
		}
		delete(x.aliases, s)
	}
	for a := range x.names.Users {
		if x.texts[x.names.Owner(a)] {
			x.addAddress(a)
		}
	}
}

func (x *excluder) addAddress(a netip.Addr) {
	x.addresses.add(netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
}

// apply removes what is excluded from rec. It returns false if rec must be left out: if it
// comes from an excluded node, is about one, or is text, which may name anyone.
func (x *excluder) apply(rec *records.Record) bool {
	isExcluded := x.texts[rec.Reporter()] || x.texts[rec.NodeID] || x.isExcluded(&rec.SrcNode)
	if isExcluded || rec.Text != "" || x.isExcluded(peerNode(&rec.Peer)) {
		x.dropped++
		return false
	}
	removed := false
	for _, c := range flowtable.Classes() {
		before := len(c.Traffic(&rec.Message))
		after := c.Keep(&rec.Message, func(t *flowtrack.Tuple) bool {
			return !x.addresses.contains(t.Src.Addr()) && !x.addresses.contains(t.Dst.Addr())
		})
		removed = removed || after < before
	}
	before := len(rec.DstNodes)
	rec.DstNodes = slices.DeleteFunc(rec.DstNodes, func(n record.Node) bool { return x.isExcluded(&n) })
	if removed || len(rec.DstNodes) < before {
		x.cut++
	}
	return true
}

// isExcluded reports whether n is an excluded node, or names one.
func (x *excluder) isExcluded(n *record.Node) bool {
	named := func(s string) bool {
		a, err := netip.ParseAddr(s)
		return x.texts[s] || err == nil && x.addresses.contains(a)
	}
	return named(n.NodeID) || named(n.Name) || named(n.OS) || named(n.User) ||
		slices.ContainsFunc(n.Tags, named) || slices.ContainsFunc(n.Addresses, x.addresses.contains)
}

// peerNode returns what identifies a peer as a Node.
func peerNode(p *record.Peer) *record.Node {
	n := &record.Node{NodeID: p.PublicKey, Name: p.Name}
	for _, a := range []netip.Addr{p.Address, p.Endpoint.Addr()} {
		if a.IsValid() {
			n.Addresses = append(n.Addresses, a)
		}
	}
	return n
}

// report prints what was removed.
func (x *excluder) report(w io.Writer) error {
	if len(x.words) == 0 {
		return nil
	}
	var what []string
	for p := range x.addresses.prefixes {
		what = append(what, p.String())
	}
	for s := range x.texts {
		what = append(what, flowtable.Clean(s))
	}
	slices.Sort(what)
	_, err := fmt.Fprintf(w, "netlog fmt: without %s: %s lost flows or nodes, %d left out\n", strings.Join(what, ", "), flowtable.Plural(x.cut, "record"), x.dropped)
	return err
}
