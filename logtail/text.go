package logtail

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-netlog/netlog/internal/rawjson"
)

// maxText bounds the text of one entry: a line of a log is shorter, a dump is not.
const maxText = 16 << 10 // bytes, before escaping

// appendText appends p as a JSON string (RFC 8259, section 7) without its final
// newline, cut at maxText on a rune. What is cut is told: "\u2026+" and the
// number of bytes.
func appendText(dst, p []byte) []byte {
	p = bytes.TrimSuffix(p, []byte("\n"))
	cut := 0
	if len(p) > maxText {
		end := maxText
		for end > maxText-utf8.UTFMax && !utf8.RuneStart(p[end]) {
			end--
		}
		p, cut = p[:end], len(p)-end
	}
	dst = append(dst, '"')
	dst = appendEscaped(dst, p)
	if cut > 0 {
		dst = append(dst, "\u2026+"...)
		dst = strconv.AppendInt(dst, int64(cut), 10)
	}
	return append(dst, '"')
}

// appendEscaped appends the inside of a JSON string. Invalid UTF-8 becomes
// U+FFFD, byte by byte.
func appendEscaped(dst, p []byte) []byte {
	const hex = "0123456789abcdef"
	for len(p) > 0 {
		switch c := p[0]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < ' ' || c == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, size := utf8.DecodeRune(p)
			dst = utf8.AppendRune(dst, r)
			p = p[size:]
			continue
		}
		p = p[1:]
	}
	return dst
}

// object is what Write passes on of a JSON object.
type object struct {
	members []byte // without the braces
	moved   []byte // what has to make way, or nil
	detail  string // why
}

// movedDepth is how deep in an entry what has to make way lies, in
// logtail.error.bad_data. An object too deep for a receiver there is text.
const movedDepth = 3

// parseObject reports whether p is one JSON object (RFC 8259) and nothing else.
// The members are the bytes of p, but for invalid UTF-8, which becomes U+FFFD:
// JSON text is UTF-8 (section 8.1), and a strict receiver would refuse it.
//
// A top-level member "logtail", however its name is spelled or goes on, makes way for
// ours: see isOurs. So does the whole object when it has several, when a name occurs
// twice in it, as what it says then depends on who reads it (section 4), and when it
// has more members than our receiver takes.
func parseObject(p []byte) (object, bool) {
	p = bytes.Trim(p, " \t\r\n")
	s := rawjson.Scanner{Text: p}
	members, err := s.Object(nil, movedDepth, len(p))
	if err != nil || s.Pos != len(p) {
		return object{}, false
	}
	if !utf8.Valid(p) {
		return parseObject(bytes.ToValidUTF8(p, []byte("\ufffd")))
	}
	at := slices.IndexFunc(members, isOurs)
	switch {
	case rawjson.HasDuplicate(members):
		return object{moved: p, detail: "doubled member name"}, true
	case at >= 0 && slices.ContainsFunc(members[at+1:], isOurs):
		return object{moved: p, detail: "several logtail members"}, true
	case len(members) >= rawjson.MaxMembers: // ours is one more
		return object{moved: p, detail: "too many members"}, true
	case at < 0:
		return object{members: bytes.Trim(p[1:len(p)-1], " \t\r\n")}, true
	}
	obj := object{moved: p[members[at].Value:members[at].End], detail: "duplicate logtail member"}
	for i, m := range members {
		if i == at {
			continue
		}
		if len(obj.members) > 0 {
			obj.members = append(obj.members, ',')
		}
		obj.members = append(obj.members, p[m.Start:m.End]...)
	}
	return obj, true
}

// isOurs reports whether m has the name of the metadata, to some reader at least: in
// another case, or with more behind it, as engines that flatten objects name what is
// in it logtail.id or logtail_id.
func isOurs(m rawjson.Member) bool {
	const name = "logtail"
	return len(m.Name) >= len(name) && bytes.EqualFold(m.Name[:len(name)], []byte(name))
}
