package records_test

import (
	"bytes"
	"compress/gzip"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/internal/records"
)

func TestInputWalksDirectoriesAndGoesOnAfterErrors(t *testing.T) {
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

func TestAStreamOfAnySizeTakesLittleMemory(t *testing.T) {
	const size = 16 << 20
	r := records.NewReader(&repeat{head: `{"name":"x","logs":[`, text: one + ",\n", left: size}, "")
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	var peak uint64
	n := 0
	for {
		_, err := r.Next()
		if err != nil {
			break
		}
		if n++; n%10_000 == 0 {
			peak = max(peak, live())
		}
	}
	qt.Check(t, n > size/(len(one)+2)-10, qt.IsTrue)
	qt.Check(t, peak < before+4<<20, qt.IsTrue, qt.Commentf("%d bytes before, %d at most", before, peak))
}

// TestAnEnvelopeOfAnySizeTakesLittleMemory has no record in it, so that nothing but
// its size tells that it is none.
func TestAnEnvelopeOfAnySizeTakesLittleMemory(t *testing.T) {
	r := records.NewReader(&repeat{head: `{"notes":[{"list":[`, text: `{"a":1},` + "\n", left: 8 << 20}, "")
	r.SetMaxRecord(1 << 20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := r.Next()
	runtime.ReadMemStats(&after)
	qt.Check(t, err, qt.ErrorMatches, "-:1: .*torn off")
	qt.Check(t, after.TotalAlloc-before.TotalAlloc < 16<<20, qt.IsTrue, qt.Commentf("%d bytes", after.TotalAlloc-before.TotalAlloc))
}

// repeat is a stream of the same text again and again.
type repeat struct {
	head, text string
	left       int
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return strings.NewReader("").Read(p)
	}
	n := copy(p, r.head)
	r.head = r.head[n:]
	for n+len(r.text) <= len(p) {
		n += copy(p[n:], r.text)
	}
	if n == 0 { // a small buffer gets the rest of a text first
		r.head = r.text
		n = copy(p, r.head)
		r.head = r.head[n:]
	}
	r.left -= n
	return n, nil
}

func TestSeqsAgreeWithASet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var s records.Seqs
		set := make(map[uint64]bool)
		for range 300 {
			n := rng.Uint64N(200)
			qt.Assert(t, s.Add(n), qt.Equals, !set[n])
			set[n] = true
		}
		var missing, lo, hi uint64 = 0, 1 << 62, 0
		for n := range set {
			lo, hi = min(lo, n), max(hi, n)
		}
		for n := lo; n <= hi; n++ {
			if !set[n] {
				missing++
			}
		}
		for _, g := range s.Gaps() {
			missing -= g.Last - g.First + 1
		}
		qt.Assert(t, missing, qt.Equals, uint64(0))
		qt.Assert(t, s.First(), qt.Equals, lo)
	}
	var ends records.Seqs
	for _, n := range []uint64{0, 1<<64 - 1, 1<<64 - 2, 1} {
		qt.Check(t, ends.Add(n), qt.IsTrue)
		qt.Check(t, ends.Add(n), qt.IsFalse)
	}
}

// TestSeqsForgetTheOldestGapsFirst, and no number that came.
func TestSeqsForgetTheOldestGapsFirst(t *testing.T) {
	const gaps, kept = 1<<16 + 9, 1<<16 - 1
	var s records.Seqs
	for i := range uint64(gaps + 1) {
		s.Add(2*i + 1)
	}
	qt.Check(t, s.First(), qt.Equals, uint64(1))
	qt.Assert(t, s.Gaps(), qt.HasLen, kept)
	qt.Check(t, s.Gaps()[kept-1], qt.Equals, records.Run{First: 2 * gaps, Last: 2 * gaps})
	for i := range uint64(gaps + 1) {
		qt.Assert(t, s.Add(2*i+1), qt.IsFalse)
	}
}
