package format

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/names"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
)

// filter selects records and flows. The zero filter selects all.
type filter struct {
	classes map[flowtable.Class]bool // empty: all
	states  []string                 // of a row; empty: all
	word    string                   // the argument of -node
	node    string                   // the node that reports; empty: any
	prefix  netip.Prefix             // contains a side of the flow; invalid: any
	since   time.Time
	matched bool // something matched word
}

func (f *filter) setClasses(s string) error {
	f.classes = make(map[flowtable.Class]bool)
words:
	for w := range strings.SplitSeq(s, ",") {
		for _, c := range flowtable.Classes() {
			if strings.TrimSpace(w) == c.String() {
				f.classes[c] = true
				continue words
			}
		}
		return fmt.Errorf("no class %q", w)
	}
	return nil
}

func (f *filter) setStates(s string) error {
	f.states = nil
	for w := range strings.SplitSeq(s, ",") {
		if !slices.Contains(flowtable.States(), strings.TrimSpace(w)) {
			return fmt.Errorf("no state %q", w)
		}
		f.states = append(f.states, strings.TrimSpace(w))
	}
	return nil
}

func (f *filter) setNode(s string) (err error) {
	f.word = s
	f.node, f.prefix, err = parseNode(s)
	return err
}

// parseNode parses an argument that names a node. node is "" if it is an address or a
// prefix.
func parseNode(s string) (node string, p netip.Prefix, err error) {
	if p, ok := flowtable.ParsePrefix(s); ok {
		return "", p, nil
	}
	addr, _, _ := strings.Cut(s, "/")
	if _, err := netip.ParseAddr(addr); err == nil {
		return "", p, errors.New("no such prefix")
	}
	if s == "" {
		return "", p, errors.New("want a node, an address or a prefix")
	}
	return s, p, nil
}

func (f *filter) setSince(s string) (err error) {
	f.since, err = cli.ParseTime(s, time.Now())
	return err
}

// keeps reports whether rec is selected. Its flows are filtered later.
func (f *filter) keeps(rec *records.Record, name func(id string) string) bool {
	if f.node != "" {
		if !isNode(rec, f.node, name) {
			return false
		}
		f.matched = true
	}
	if f.prefix.IsValid() && !f.matched {
		f.matched = slices.ContainsFunc(flowtable.Classes(), func(c flowtable.Class) bool {
			return slices.ContainsFunc(c.Traffic(&rec.Message), func(cc record.ConnectionCounts) bool { return touches(f.prefix, &cc.Tuple) })
		})
	}
	end := rec.End
	if rec.IsEvent() {
		end = rec.Logtail.ClientTime
	}
	return f.since.IsZero() || end.IsZero() || !end.Before(f.since)
}

// keepsPeer reports whether rec is the event of a selected peer. Sessions are selected by time later.
func (f *filter) keepsPeer(rec *records.Record, name func(id string) string) bool {
	p := &rec.Peer
	if !rec.IsEvent() || rec.Event != record.EventPeer {
		return false
	}
	if f.word != "" && !(f.prefix.IsValid() && flowtable.Contains(f.prefix, p.Address)) &&
		!(f.node != "" && (isNode(rec, f.node, name) || p.Name == f.node || p.PublicKey == f.node)) {
		return false
	}
	f.matched = true
	return true
}

// unmatched returns an error if nothing matched -node. An empty table would say that the
// node is idle.
func (f *filter) unmatched() error {
	switch {
	case f.word == "" || f.matched:
		return nil
	case len(f.word) < minDigits && strings.Trim(strings.ToLower(f.word), "0123456789abcdef") == "":
		return fmt.Errorf("nothing matches -node %s; an ID needs at least %d digits", f.word, minDigits)
	}
	return fmt.Errorf("nothing matches -node %s", f.word)
}

// minDigits is the least number of digits of a public ID that name a node.
const minDigits = 4

// isNode reports whether rec comes from the node named word: by its public ID or the
// first digits of it, its own node ID, or a name.
func isNode(rec *records.Record, word string, name func(id string) string) bool {
	id := rec.Reporter()
	if slices.Contains([]string{id, name(id), rec.NodeID, rec.SrcNode.NodeID, rec.SrcNode.Name}, word) {
		return true
	}
	return len(word) >= minDigits && names.IsPublicID(id) && strings.HasPrefix(id, strings.ToLower(word))
}

// keepsRow reports whether a row of the table is selected. The state of a flow is known only
// after its last window.
func (f *filter) keepsRow(r *flowtable.Row) bool {
	return len(f.states) == 0 || slices.Contains(f.states, r.State())
}

// wants reports whether a flow is selected.
func (f *filter) wants(c flowtable.Class, t *flowtrack.Tuple) bool {
	if len(f.classes) > 0 && !f.classes[c] {
		return false
	}
	return !f.prefix.IsValid() || touches(f.prefix, t)
}

// touches reports whether a side of t is in p.
func touches(p netip.Prefix, t *flowtrack.Tuple) bool {
	return flowtable.Contains(p, t.Src.Addr()) || flowtable.Contains(p, t.Dst.Addr())
}

// cut removes the flows from rec that are not wanted, and reports whether rec belongs in the
// table.
func (f *filter) cut(rec *records.Record) bool {
	if len(f.classes) == 0 && !f.prefix.IsValid() {
		return rec.Text == "" && !rec.IsEvent()
	}
	_, after := f.keepWanted(rec)
	return after > 0
}

// removesFlows removes the flows from rec that are not wanted, and reports whether there
// were any.
func (f *filter) removesFlows(rec *records.Record) bool {
	before, after := f.keepWanted(rec)
	return after < before
}

// keepWanted removes the flows from rec that are not wanted. It returns the number of flows
// before and after.
func (f *filter) keepWanted(rec *records.Record) (before, after int) {
	for _, c := range flowtable.Classes() {
		before += len(c.Traffic(&rec.Message))
		after += c.Keep(&rec.Message, func(t *flowtrack.Tuple) bool { return f.wants(c, t) })
	}
	return before, after
}
