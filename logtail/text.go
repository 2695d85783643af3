package logtail

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-netlog/netlog/internal/rawjson"
)

// maxText bounds the text of an entry. It is longer than any line of a log.
const maxText = 16 << 10 // bytes, before escaping

// appendText appends p as a JSON string (RFC 8259, section 7) without its final
// newline. It cuts p to maxText, without splitting a rune, and then appends "\u2026+" and the
// number of bytes cut.
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
	dst = rawjson.AppendEscaped(dst, string(p))
	if cut > 0 {
		dst = append(dst, "\u2026+"...)
		dst = strconv.AppendInt(dst, int64(cut), 10)
	}
	return append(dst, '"')
}

// object is a JSON object as Write sends it.
type object struct {
	members []byte // without the braces
	moved   []byte // the part for logtail.error.bad_data, or nil
	detail  string // why it is moved
}

// movedDepth is the nesting level of logtail.error.bad_data in an entry. An object that would be
// nested too deep there for a receiver is sent as text.
const movedDepth = 3

// parseObject parses p and reports whether it is one JSON object (RFC 8259) and nothing else. The
// members are the bytes of p, except that invalid UTF-8 becomes U+FFFD, because JSON must be UTF-8
// (section 8.1) and a strict receiver would refuse it.
//
// A top-level member that resembles "logtail" is moved; see isOurs. The whole object is moved if
// it has several of them, if it has more members than our receiver accepts, or if a name occurs
// twice, since its meaning then depends on the reader (section 4).
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
	case len(members) >= rawjson.MaxMembers: // with ours there is one more
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

// isOurs reports whether some reader could mistake m for the metadata: its name begins with
// "logtail" in upper or lower case. Engines that flatten objects use names such as logtail.id and
// logtail_id.
func isOurs(m rawjson.Member) bool {
	const name = "logtail"
	return len(m.Name) >= len(name) && bytes.EqualFold(m.Name[:len(name)], []byte(name))
}
