package records_test

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/internal/records"
)

// wide returns s in UTF-16.
func wide(order binary.AppendByteOrder, s string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

// archived returns a tar archive of a file with two records.
func archived(c *qt.C) string {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	c.Assert(w.WriteHeader(&tar.Header{Name: "flows.ndjson", Mode: 0o600, Size: int64(2 * len(one+"\n"))}), qt.IsNil)
	_, err := io.WriteString(w, one+"\n"+one+"\n")
	c.Assert(err, qt.IsNil)
	c.Assert(w.Close(), qt.IsNil)
	return b.String()
}

// noise returns random bytes.
func noise(n int) string {
	random, b := rand.NewChaCha8([32]byte{}), make([]byte, n)
	random.Read(b)
	return string(b)
}

// TestReaderForeign checks that a stream of something else is one error, which says what it looks like.
func TestReaderForeign(t *testing.T) {
	c := qt.New(t)
	program, err := os.Executable()
	c.Assert(err, qt.IsNil)
	binary1, err := os.ReadFile(program)
	c.Assert(err, qt.IsNil)
	enc, err := zstd.NewWriter(nil)
	c.Assert(err, qt.IsNil)
	lines := strings.Repeat(one+"\n", 100)
	packed := enc.EncodeAll([]byte(lines), nil)
	const utf16Text = "looks like UTF-16 text; convert it, for example with iconv -f UTF-16"
	for _, test := range []struct{ name, in, want string }{
		{"UTF-16 of Windows", wide(binary.LittleEndian, "\ufeff"+lines), utf16Text + " -t UTF-8"},
		{"UTF-16, big-endian", wide(binary.BigEndian, "\ufeff"+lines), utf16Text + " -t UTF-8"},
		{"UTF-16 without a mark", wide(binary.LittleEndian, lines), utf16Text + "LE -t UTF-8"},
		{"UTF-16 without a mark, big-endian", wide(binary.BigEndian, lines), utf16Text + "BE -t UTF-8"},
		{"UTF-16 after a line break", wide(binary.LittleEndian, "\r\n"+lines), utf16Text + "LE -t UTF-8"},
		{"UTF-16 in gzip", string(gzipped(t, wide(binary.LittleEndian, lines))), utf16Text + "LE -t UTF-8"},
		{"UTF-32", "\xff\xfe\x00\x00{\x00\x00\x00\"\x00\x00\x00", "looks like UTF-32 text; convert it, .*"},
		{"a packet capture", "\xd4\xc3\xb2\xa1\x02\x00\x04\x00" + noise(1000), "looks like a packet capture; .*"},
		{"a packet capture of Wireshark", "\n\r\r\n\x1c\x00\x00\x00\x4d\x3c\x2b\x1a" + noise(1000), "looks like a packet capture; .*"},
		{"a zip archive", "PK\x03\x04\x14\x00" + noise(1000), "looks like a zip archive; unpack it first"},
		{"a tar archive", archived(c), "looks like a tar archive; unpack it first"},
		{"a tar archive in zstd", string(enc.EncodeAll([]byte(archived(c)), nil)), "looks like a tar archive; unpack it first"},
		{"xz", "\xfd7zXZ\x00\x00\x04" + noise(1000), `looks like a file of xz; decompress it first \(zstd and gzip need not be\)`},
		{"bzip2", "BZh91AY&SY" + noise(1000), "looks like a file of bzip2; decompress .*"},
		{"gzip twice", string(gzipped(t, string(gzipped(t, lines)))), "looks like a file that is compressed twice; .*"},
		{"a database", "SQLite format 3\x00\x10\x00" + noise(1000), "looks like an SQLite database; .*"},
		{"a web page", "\n<!DOCTYPE HTML>\n<html><script>\n{\"a\":1}\n</script>", "looks like a web page; .*"},
		{"XML", "\xef\xbb\xbf<?xml version=\"1.0\"?>\n<a/>\n", "looks like XML; .*"},
		{"a program", string(binary1), "looks like binary data; .*"},
		{"a program with brackets", "\x7fELF\x02\x01\x01\x00\x00\x00\n[\n{\x00}\n[]\x00\n{\x01\n" + noise(1000), "looks like binary data; .*"},
		{"noise", noise(1 << 20), "looks like binary data; .*"},
		{"noise without lines", strings.ReplaceAll(noise(1<<20), "\n", ""), "looks like binary data; .*"},
		{"text", "Nov 22 10:00:00 host daemon: up\n" + strings.Repeat("[2026-11-22] a {\n{a: 1}\n- b\n", 10_000),
			`-:1: looks like text: "Nov 22 10:00:00 host daemon: up"; netlog reads .*`},
		{"JSON after a bracket", strings.Repeat("[2026-11-22] "+one+"\n", 3), `-:1: looks like text: "\[2026-11-22\] {.*"; netlog reads flow logs in JSON, and skips lines that do not begin with it`},
		{"one word", "nul", `-:1: looks like text: "nul"; netlog reads .*`},
		{"tables", "a,b\n1,2\n3,4\n", `-:1: looks like text: "a,b"; .*`},
		{"ends early", string(gzipped(t, lines)[:40]), "the end of the gzip data is missing"},
		{"ends in the header", string(gzipped(t, lines)[:5]), "the end of the gzip data is missing"},
		{"damaged", string(gzipped(t, lines)[:40]) + noise(100), "the gzip data is damaged: .*"},
		{"damaged zstd", string(packed[:20]) + "x" + string(packed[21:]), "the zstd data is damaged: .*"},
	} {
		c.Run(test.name, func(c *qt.C) {
			for _, r := range []io.Reader{strings.NewReader(test.in), iotest.HalfReader(strings.NewReader(test.in))} {
				d := records.NewReader(r, "")
				_, err := d.Next()
				c.Check(err, qt.ErrorMatches, test.want)
				_, err = d.Next()
				if strings.HasPrefix(test.want, "-:1:") {
					c.Check(err, qt.Equals, io.EOF)
				} else {
					c.Check(err, qt.ErrorMatches, test.want) // it has ended
				}
				d.Close()
			}
		})
	}
}

// TestReaderDisguised checks that a node cannot make a file unreadable by what it writes into the first record.
func TestReaderDisguised(t *testing.T) {
	begin := `{"nodeId":"`
	for _, in := range []string{
		begin + strings.Repeat("x", 257-len(begin)) + `ustar","virtualTraffic":[]}`, // a tar archive has this there
		`{"nodeId":"<!doctype html><?xml","virtualTraffic":[]}`,
		"{\"nodeId\":\"" + strings.Repeat("\x7f\u0085", 1000) + "\",\"virtualTraffic\":[]}",
		strings.Repeat("\x00", 512) + `{"virtualTraffic":[]}`,
		"\x1e\ufeff [ \n {\"virtualTraffic\":[]}]",
	} {
		d := records.NewReader(strings.NewReader(in+"\n"+one+"\n"), "")
		for range 2 {
			_, err := d.Next()
			qt.Check(t, err, qt.IsNil, qt.Commentf("%.50q", in))
		}
		d.Close()
	}
}

// TestReaderMixed checks that records are found although the stream begins with something else.
func TestReaderMixed(t *testing.T) {
	for _, test := range []struct {
		name, in string
		n        int // errors
	}{
		{"a hole", strings.Repeat("\x00", 10_000), 0},
		{"a line of a log", "BZh is text\n", 1},
		{"lines of a log", strings.Repeat("[2026-11-22] {up}\n", 3), 3},
		{"many lines of a log", strings.Repeat("[2026-11-22] {up}\n", 10_000), 1}, // 180 kB
		{"blank lines", strings.Repeat("\n", 100_000), 0},
		{"the end of a record", one[100:] + "\n", 1},
		{"a damaged block", noise(10_000) + "\n", -1},
		{"numbers", strings.Repeat("1\n", 100_000), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, nodes, errs := readAll(strings.NewReader(test.in + one + "\n[" + one + ",\n" + one + "]\n"))
			qt.Check(t, nodes, qt.DeepEquals, []string{"n1", "n1", "n1"})
			if test.n >= 0 {
				qt.Check(t, errs, qt.HasLen, test.n, qt.Commentf("%q", errs))
			}
		})
	}
}
