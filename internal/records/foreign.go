package records

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// headSize is the number of bytes at the beginning of a stream that decide what it looks like.
const headSize = 64 << 10

// kinds maps the first bytes of a stream to what it looks like, and what to do.
func kinds() map[string]string {
	const (
		packets = "a packet capture; netlog reads flow logs in JSON, not packets"
		packed  = "; decompress it first (zstd and gzip need not be)"
		unpack  = "; unpack it first"
		export  = "; export its records as JSON"
		twice   = "a file that is compressed twice; decompress it once first"
	)
	return map[string]string{
		"\xff\xfe":            "UTF-16 text; convert it, for example with iconv -f UTF-16 -t UTF-8", // as PowerShell writes it
		"\xfe\xff":            "UTF-16 text; convert it, for example with iconv -f UTF-16 -t UTF-8",
		"\xff\xfe\x00\x00":    "UTF-32 text; convert it, for example with iconv -f UTF-32 -t UTF-8",
		"\x00\x00\xfe\xff":    "UTF-32 text; convert it, for example with iconv -f UTF-32 -t UTF-8",
		"\xd4\xc3\xb2\xa1":    packets,
		"\xa1\xb2\xc3\xd4":    packets,
		"\x4d\x3c\xb2\xa1":    packets, // with nanoseconds
		"\xa1\xb2\x3c\x4d":    packets,
		"\n\r\r\n":            packets, // pcapng
		"PK\x03\x04":          "a zip archive" + unpack,
		"7z\xbc\xaf\x27\x1c":  "a 7z archive" + unpack,
		"\xfd7zXZ\x00":        "a file of xz" + packed,
		"BZh":                 "a file of bzip2" + packed,
		"\x04\x22\x4d\x18":    "a file of lz4" + packed,
		"\x28\xb5\x2f\xfd":    twice,
		"\x1f\x8b\x08":        twice,
		"PAR1":                "a Parquet file" + export,
		"SQLite format 3\x00": "an SQLite database" + export,
	}
}

// foreign says what a stream looks like and what to do, if head, its beginning, is not text. If head is
// text, isText reports that no line of it begins like JSON.
func foreign(head []byte) (what string, isText bool) {
	magic, all := "", kinds()
	for m := range all {
		if len(m) > len(magic) && bytes.HasPrefix(head, []byte(m)) {
			magic = m
		}
	}
	text := trimBlanks(head)
	start := strings.ToLower(string(text[:min(len(text), 16)]))
	begins, _ := beginsJSON(text)
	switch {
	case begins: // whatever follows may be the choice of a node
		return "", false
	case magic != "" && strange(head[:min(len(head), 32)]) > 0:
		return all[magic], false
	case len(head) >= 262 && string(head[257:262]) == "ustar": // POSIX.1-2024, pax, ustar Interchange Format
		return "a tar archive; unpack it first", false
	case isWide(head):
		return "UTF-16 text; convert it, for example with iconv -f UTF-16LE -t UTF-8", false
	case bytes.HasPrefix(head, []byte{0}) && isWide(head[1:]):
		return "UTF-16 text; convert it, for example with iconv -f UTF-16BE -t UTF-8", false
	case strings.HasPrefix(start, "<!doctype html"), strings.HasPrefix(start, "<html"):
		return "a web page; perhaps a server answered with an error or a form to log in", false
	case strings.HasPrefix(start, "<?xml"):
		return "XML; netlog reads flow logs in JSON", false
	}
	sample, least := text[:min(len(text), 1024)], 0
	isBinary := strange(sample) > len(sample)/10
	if isBinary {
		least = 32 // there are short lines of any kind in binary data
	}
	switch {
	case len(text) == 0 || hasJSONLine(text, least):
		return "", false // JSON, perhaps damaged at its beginning
	case isBinary:
		return "binary data; netlog reads flow logs in JSON, plain or compressed with zstd or gzip", false
	}
	return "", true
}

// textError returns the error for text that cannot be read at index pos.
func textError(text []byte, pos int) error {
	line, _, _ := bytes.Cut(text[bytes.LastIndexByte(text[:pos], '\n')+1:], []byte("\n"))
	return fmt.Errorf("looks like text: %.40q; netlog reads flow logs in JSON, and skips lines that do not begin with it", bytes.TrimSpace(line))
}

// isWide reports whether text begins with two characters of ASCII in UTF-16, the low byte first.
func isWide(text []byte) bool {
	isASCII := func(c byte) bool { return 0 < c && c < utf8.RuneSelf }
	return len(text) >= 4 && isASCII(text[0]) && text[1] == 0 && isASCII(text[2]) && text[3] == 0
}

// hasJSONLine reports whether a line of at least size bytes begins like JSON.
func hasJSONLine(text []byte, size int) bool {
	for line := range bytes.Lines(text) {
		line = trimBlanks(line)
		begins, _ := beginsJSON(line)
		if begins && len(line) >= size && strange(line[:min(len(line), 32)]) <= 3 { // the last character may be cut
			return true
		}
	}
	return false
}

// maxBlanks is the number of blanks that may follow the first bracket of a value.
const maxBlanks = 64

// beginsJSON reports whether text begins with an object or array that may hold records: the first
// bracket is followed by a name, by another bracket, or by the end of the line. So "[2026-11-22]" does
// not. sure is false if more text is needed to tell.
func beginsJSON(text []byte) (begins, sure bool) {
	if len(text) == 0 || text[0] != '{' && text[0] != '[' {
		return false, len(text) > 0
	}
	for _, c := range text[1:min(len(text), maxBlanks)] {
		switch c {
		case ' ', '\t', '\r':
			continue
		case '"', '}', ']', '\n':
			return true, true
		case '{', '[':
			return text[0] == '[', true
		}
		return false, true
	}
	return true, len(text) >= maxBlanks
}

// trimBlanks removes from the beginning of text the bytes that may be between values.
func trimBlanks(text []byte) []byte {
	for {
		rest := bytes.TrimPrefix(bytes.TrimLeft(text, " \t\r\n\x1e\x00"), bom)
		if len(rest) == len(text) {
			return rest
		}
		text = rest
	}
}

// strange returns the number of bytes of b that are unusual in text: control characters, and bytes that
// are not UTF-8.
func strange(b []byte) (n int) {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && size == 1, r == 0x7f:
			n++
		case r < ' ' && bytes.IndexByte([]byte("\t\n\v\f\r\b\x1b\x1e"), b[0]) < 0:
			n++
		}
		b = b[size:]
	}
	return n
}
