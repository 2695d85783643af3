package records_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/internal/records"
)

func TestInputDirectories(t *testing.T) {
	dir := t.TempDir()
	enc, err := zstd.NewWriter(nil)
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, os.Mkdir(filepath.Join(dir, "b"), 0o700), qt.IsNil)
	packed := enc.EncodeAll([]byte(one+"\n"), nil)
	for name, data := range map[string]string{
		"a.ndjson.zst":     string(packed) + string(packed), // two frames, as of a file that was rotated twice
		"a.ndjson1.gz":     string(gzipped(t, one)),
		"b/c.json":         "[" + one + "]",
		"b/d.ndjson":       one + "\n" + one[:30] + "\n" + one,
		"b/e.ndjson.zst":   string(packed[:len(packed)-5]),
		"b/notes.txt":      one,
		"b/f.ndjson.1.tmp": one,
		"b/g.ndjson.gz":    string(gzipped(t, one)[:5]),
	} {
		qt.Assert(t, os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600), qt.IsNil)
	}
	in := &records.Input{Paths: []string{dir, filepath.Join(dir, "b", "c.json"), "-", filepath.Join(dir, "none")}, Stdin: strings.NewReader(one)}
	var where, errs []string
	for rec, err := range in.Records() {
		if err != nil {
			errs = append(errs, strings.ReplaceAll(err.Error(), dir, ""))
			continue
		}
		where = append(where, filepath.ToSlash(strings.TrimPrefix(rec.Pos.String(), dir)))
	}
	qt.Check(t, where, qt.DeepEquals, []string{"/a.ndjson.zst:1", "/a.ndjson.zst:2", "/a.ndjson1.gz:1", "/b/c.json:1", "/b/d.ndjson:1", "/b/d.ndjson:3", "-:1"})
	qt.Check(t, errs, qt.HasLen, 4)
	qt.Check(t, in.HasStdin(), qt.IsTrue)
}

func gzipped(t *testing.T, s string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(s))
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, w.Close(), qt.IsNil)
	return b.Bytes()
}
