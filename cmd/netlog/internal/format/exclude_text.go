package format

import (
	"bytes"
	"encoding/json"
	"io"
	"net/netip"
	"slices"
	"strings"
)

// stays reports whether a string anywhere in raw still has an excluded address
// or node: in a line of text, or in members that this program does not know. A
// record like that goes whole, since it cannot be rewritten safely.
func (x *excluder) stays(raw []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	for {
		tok, err := dec.Token()
		if err != nil {
			return err != io.EOF
		}
		if s, ok := tok.(string); ok && !isMember(s) && (x.texts[s] || x.mentions(s) || x.hasAddress(s)) {
			return true
		}
	}
}

// isMember reports whether s is the name of a member of every record, so that it
// is no trace of a node of that name.
func isMember(s string) bool {
	switch s {
	case "logtail", "id", "client_time", "server_time", "proc_id", "proc_seq", "error", "conflict",
		"nodeId", "start", "end", "srcNode", "dstNodes", "name", "addresses", "os", "user", "tags", "text",
		"virtualTraffic", "subnetTraffic", "exitTraffic", "physicalTraffic",
		"proto", "src", "dst", "txPkts", "txBytes", "rxPkts", "rxBytes":
		return true
	}
	return false
}

// mentions reports whether one of the words of a sentence is an excluded node. In
// a string without a space, such as a tag, the same word means other things.
func (x *excluder) mentions(s string) bool {
	if !strings.ContainsAny(s, " \t\r\n") {
		return false
	}
	s = strings.ToLower(s)
	for t := range x.texts {
		if hasWord(s, strings.ToLower(t)) {
			return true
		}
	}
	return false
}

// hasWord reports whether word stands in s by itself.
func hasWord(s, word string) bool {
	for {
		before, after, found := strings.Cut(s, word)
		switch {
		case !found:
			return false
		case (before == "" || !inName(before[len(before)-1])) && (after == "" || !inName(after[0])):
			return true
		}
		s = s[len(before)+1:]
	}
}

func inName(c byte) bool {
	return c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z'
}

// hasAddress reports whether s is, or holds, an excluded address. Where it holds
// one among other text, what might be an address counts as one.
func (x *excluder) hasAddress(s string) bool {
	if a, ok := wholeAddress(s); ok {
		return x.excludes(a)
	}
	for _, s := range []string{s, strings.ReplaceAll(s, "-", ".")} { // as in the host name ip-192-0-2-1
		for _, w := range strings.FieldsFunc(s, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }) {
			if a, err := netip.ParseAddr(strings.Trim(w, ".")); err == nil && x.excludes(a) {
				return true
			}
		}
	}
	return slices.ContainsFunc(strings.FieldsFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF:", r) }), x.hasIPv6)
}

// wholeAddress returns the address that s is, alone or with a port or a length.
func wholeAddress(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a, true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr(), true
	}
	p, err := netip.ParsePrefix(s)
	return p.Addr(), err == nil
}

// hasIPv6 looks for an address in a word of digits and colons, which may have
// what is no part of it at both ends: node:fd7a::1:443.
func (x *excluder) hasIPv6(word string) bool {
	const fewest, most = 3, 9 // parts between colons, empty ones too
	parts := strings.Split(word, ":")
	for i := range parts {
		for n := fewest; n <= most && i+n <= len(parts); n++ {
			if a, err := netip.ParseAddr(strings.Join(parts[i:i+n], ":")); err == nil && x.excludes(a) {
				return true
			}
		}
	}
	return false
}
