package record

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// maxQuoted is how much of the input an error quotes, in characters.
const maxQuoted = 40

// wrong records the error err, for an s that is not of the kind what. If s is long, it records
// another error, because the errors of the standard library quote all of s.
func (d *decoder) wrong(what, s string, err error) {
	if len(s) > maxQuoted {
		err = fmt.Errorf("record: %d bytes that are not %s: %.*q", len(s), what, maxQuoted, s)
	}
	if d.err == nil {
		d.err = err
	}
}

// uint reads a count. Some log shippers write integers as floats, which it accepts if they
// are whole.
func (d *decoder) uint(bits int) uint64 {
	w := d.word()
	if w == "null" || d.err != nil {
		return 0
	}
	n, err := strconv.ParseUint(w, 10, bits)
	if err == nil {
		return n
	}
	f, ferr := strconv.ParseFloat(w, 64)
	if ferr != nil || f < 0 || f >= 1<<53 || f != float64(uint64(f)) || bits < 64 && uint64(f)>>bits != 0 {
		d.err = fmt.Errorf("record: not a count of %d bits: %.*q", bits, maxQuoted, w)
		return 0
	}
	return uint64(f)
}

// object calls yield with each key of an object. yield must read or skip the value.
func (d *decoder) object(yield func(key []byte) bool) {
	if !d.begin('{') {
		return
	}
	for d.more('}') {
		k := d.str()
		if d.space() != ':' {
			d.fail()
		}
		d.i++
		if d.err != nil || !yield(k) {
			return
		}
	}
}

// array calls yield for each element of an array. yield must read or skip it.
func (d *decoder) array(yield func() bool) {
	if !d.begin('[') {
		return
	}
	for d.more(']') {
		if d.n++; d.n > maxElements {
			d.err = errElements
			return
		}
		if !yield() {
			return
		}
	}
}

// begin reads the opening byte of a container, or null.
func (d *decoder) begin(open byte) bool {
	if d.space() == open {
		d.i++
		return d.err == nil
	}
	if d.word() != "null" {
		d.fail()
	}
	return false
}

// more reads a comma or the closing byte, and reports whether a member follows.
func (d *decoder) more(end byte) bool {
	c := d.space()
	if c == ',' {
		d.i++
		c = d.space()
	}
	if c == end {
		d.i++
		return false
	}
	return d.err == nil
}

// space skips white space and returns the next byte, or 0 at the end.
func (d *decoder) space() byte {
	for ; d.i < len(d.b); d.i++ {
		if c := d.b[d.i]; c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
	}
	d.fail()
	return 0
}

// str reads a string and returns its content.
func (d *decoder) str() []byte {
	if d.space() != '"' {
		if d.word() != "null" {
			d.fail()
		}
		return nil
	}
	start := d.i
	escaped := false
	for d.i++; d.i < len(d.b); d.i++ {
		switch d.b[d.i] {
		case '\\':
			escaped = true
			d.i++
		case '"':
			d.i++
			if !escaped {
				return d.b[start+1 : d.i-1]
			}
			var s string
			if err := json.Unmarshal(d.b[start:d.i], &s); err != nil {
				d.fail()
			}
			return []byte(s)
		}
	}
	d.fail()
	return nil
}

// text reads a string.
func (d *decoder) text() string { return string(d.str()) }

// view is like text, but the result is valid only as long as the input.
func (d *decoder) view() string {
	b := d.str()
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// word reads a number or a literal.
func (d *decoder) word() string {
	d.space()
	start := d.i
	for d.i < len(d.b) && isWord(d.b[d.i]) {
		d.i++
	}
	if d.i == start {
		d.fail()
		return ""
	}
	b := d.b[start:d.i]
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// addrPort reads one side of a flow. Other writers use an empty string for an unknown side.
func (d *decoder) addrPort() (ap netip.AddrPort) {
	s := d.view()
	if s == "" || d.err != nil {
		return ap
	}
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		_, err = netip.ParseAddrPort(strings.Clone(s)) // the error keeps its argument
		d.wrong("an address and port", s, err)
	}
	return netip.AddrPortFrom(ap.Addr().WithZone(""), ap.Port())
}

// addr reads an address without its zone. A zone means nothing on another machine, and may be
// any text, which would be printed with the address.
func (d *decoder) addr() (a netip.Addr) {
	s := d.view()
	if s == "" || d.err != nil {
		return a
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		_, err = netip.ParseAddr(strings.Clone(s)) // the error keeps its argument
		d.wrong("an address", s, err)
	}
	return a.WithZone("")
}

func (d *decoder) time() (t time.Time) {
	s := d.view()
	if s == "" || d.err != nil {
		return t
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		d.wrong("a time", s, err)
	}
	return t
}

// skip skips a value.
func (d *decoder) skip() {
	depth := 0
	for d.err == nil {
		switch c := d.space(); c {
		case '{', '[':
			depth++
			d.i++
		case '}', ']':
			depth--
			d.i++
		case ',', ':':
			d.i++
		case '"':
			d.str()
		default:
			d.word()
		}
		if depth <= 0 {
			return
		}
	}
}

func (d *decoder) fail() {
	if d.err == nil {
		d.err = errSyntax
	}
	d.i = len(d.b)
}

// isWord reports whether c can be part of a number, true, false or null.
func isWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E'
}
