package format

import (
	"encoding/binary"
	"os"
	"testing"
	"unicode/utf16"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
)

// TestFmtNothingToShow checks that input without a record is one line, which says what to do, and no empty
// table.
func TestFmtNothingToShow(t *testing.T) {
	t.Chdir(t.TempDir())
	var wide []byte
	for _, unit := range utf16.Encode([]rune("\ufeff{\"logtail\":{}}\r\n{\"logtail\":{}}\r\n")) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	for name, data := range map[string]string{
		"wide.json": string(wide), "page.json": "<!DOCTYPE html>\n<html>\n<body>\nLog in\n", "empty.json": "", "notes.txt": "hello\nhello\nhello\n",
		"program": "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\n\x00\x00\n\x00",
	} {
		qt.Assert(t, os.WriteFile(name, []byte(data), 0o600), qt.IsNil)
	}
	qt.Assert(t, os.Mkdir("none", 0o700), qt.IsNil)
	const missing = `.*(no such file or directory|cannot find the file specified\.)`
	for _, test := range []struct {
		args  []string
		stdin string
		want  string
	}{
		{[]string{"flows.ndjson"}, "", "flows.ndjson: " + missing},
		{[]string{"-json", "flows.ndjson"}, "", "flows.ndjson: " + missing},
		{[]string{"-node", "web", "flows.ndjson"}, "", "flows.ndjson: " + missing},
		{[]string{"empty.json"}, "", "empty.json: the file is empty"},
		{nil, "", "standard input is empty"},
		{[]string{"-json", "-"}, "", "standard input is empty"},
		{[]string{"none"}, "", "none: no files with records, whose names end in .ndjson, .jsonl, .json, .zst or .gz"},
		{[]string{"wide.json"}, "", "wide.json: looks like UTF-16 text; convert it, for example with iconv -f UTF-16 -t UTF-8"},
		{[]string{"-json"}, string(wide), "standard input: looks like UTF-16 text; convert it, for example with iconv -f UTF-16 -t UTF-8"},
		{[]string{"page.json"}, "", "page.json: looks like a web page; perhaps a server answered with an error or a form to log in"},
		{[]string{"notes.txt"}, "", `notes.txt:1: looks like text: "hello"; netlog reads flow logs in JSON, and skips lines that do not begin with it`},
		{[]string{"program"}, "", "program: looks like binary data; netlog reads flow logs in JSON, plain or compressed with zstd or gzip"},
	} {
		code, out, errs := clitest.Run(t, run, test.stdin, append([]string{"fmt"}, test.args...)...)
		qt.Check(t, code, qt.Equals, cli.ExitFailed)
		qt.Check(t, out, qt.Equals, "")
		qt.Check(t, errs, qt.Matches, "netlog fmt: "+test.want+"\n")
	}
}

// TestFmtMissingFileBesideOthers checks that the table of the other files is printed.
func TestFmtMissingFileBesideOthers(t *testing.T) {
	code, out, errs := clitest.Run(t, run, "", "fmt", clitest.WriteRecords(t, 1), "none.ndjson")
	qt.Check(t, code, qt.Equals, cli.ExitFailed)
	qt.Check(t, out, qt.Contains, "1 record")
	qt.Check(t, errs, qt.Matches, "netlog fmt: none.ndjson: .*\n")
}
