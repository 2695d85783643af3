package flowtable

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-netlog/netlog/record"
)

// Clean escapes everything in s that is not printable, so that text from a node cannot
// move the cursor of a terminal.
func Clean(s string) string {
	ok := true
	for _, r := range s {
		if ok = r != utf8.RuneError && unicode.IsPrint(r); !ok {
			break
		}
	}
	if ok {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// maxPeerText bounds the text of a name, a key or a state in PeerText. Anything may be sent as one.
const maxPeerText = 64 // columns

// PeerText returns a line that says what happened to a peer.
func PeerText(p *record.Peer) string {
	clean := func(s string) string { return CutColumns(Clean(s), maxPeerText) }
	text := "peer " + clean(cmp.Or(p.Name, p.PublicKey, "?"))
	if p.Address.IsValid() {
		text += " (" + p.Address.String() + ")"
	}
	text += " " + clean(string(p.State))
	switch {
	case !p.Endpoint.IsValid() || p.State == record.PeerDisconnected:
	case p.State == record.PeerMoved:
		text += " to " + p.Endpoint.String()
	default:
		text += " from " + p.Endpoint.String()
	}
	return text
}

// Plural returns n and the noun what, which is given in the singular.
func Plural[T int | int64 | uint64](n T, what string) string {
	if n != 1 {
		switch stem, y := strings.CutSuffix(what, "ry"); {
		case y: // entries; but days
			what = stem + "ries"
		case strings.HasSuffix(what, "s"):
			what += "es"
		default:
			what += "s"
		}
	}
	return fmt.Sprintf("%d %s", n, what)
}
