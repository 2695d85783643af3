package records_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
)

// FuzzReader checks that a reader of any input ends without a panic, that every record is part of the
// input, and that the sizes of reads make no difference.
func FuzzReader(f *testing.F) {
	for _, s := range []string{
		one, one + "\n" + one, "[" + one + "," + one + "]", `{"logs":[` + one + `]}`, one[:70] + "\n" + one,
		`{"virtualTraffic":[` + "\n" + one, `{"logtail":{"proc_seq":1e3},"text":"\u00e9\"\\"}`, `{"exitTraffic":null}`,
		`{"virtualTraffic":[{"src":"[fe80::1%a]:1","dst":""}],"srcNode":{"addresses":["::1"],"tags":["a"]}}`,
		`[[[{"a":{"b":[1,true,null,-1.5e+3,"x"]}}]]]`, "{}\n}\n]\n\"", "\xef\xbb\xbf{}", "true 12 panic\n" + one + "nul", "[\n", "[\n" + one + ",\n{\"a\":\n1}}\n]\x00\xef",
		"[2026] log\n[1]\n[\n" + one + "]", "{\x00\"\x00}\x00", "\xfe\xff\x00{", "<html>\n" + one, "\n\r\r\n" + one, strings.Repeat(" ", 70<<10) + "log\n" + one,
	} {
		f.Add([]byte(s))
	}
	enc, err := zstd.NewWriter(nil)
	qt.Assert(f, err, qt.IsNil)
	f.Add(enc.EncodeAll([]byte(one), nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		whole := collect(t, bytes.NewReader(data), len(data))
		bytewise := collect(t, oneByte{bytes.NewReader(data)}, len(data))
		qt.Assert(t, bytewise, qt.DeepEquals, whole)
		for _, raw := range whole {
			if !bytes.HasPrefix(data, []byte{0x28, 0xb5, 0x2f, 0xfd}) && !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) { // packed
				qt.Assert(t, bytes.Contains(data, []byte(raw)), qt.IsTrue)
			}
			checkRecord(t, []byte(raw))
		}
	})
}

// collect returns all records. It fails if the reader returns more of them and errors than there can be.
func collect(t *testing.T, r io.Reader, size int) (raws []string) {
	d := records.NewReader(r, "")
	defer d.Close()
	for range 2*size + 1<<20 {
		rec, err := d.Next()
		if _, skipped := errors.AsType[*records.Error](err); err != nil && !skipped {
			return raws
		}
		if err == nil {
			raws = append(raws, string(rec.Raw))
		}
	}
	t.Fatal("the reader does not end")
	return nil
}

// checkRecord checks that a record is valid JSON, and that a decoded one can be encoded and decoded again.
func checkRecord(t *testing.T, raw []byte) {
	qt.Assert(t, json.Valid(raw), qt.IsTrue)
	var rec records.Record
	qt.Assert(t, rec.UnmarshalJSON(raw), qt.IsNil)
	anew, err := json.Marshal(&rec.Entry)
	qt.Assert(t, err, qt.IsNil)
	var again records.Record
	qt.Assert(t, again.UnmarshalJSON(anew), qt.IsNil, qt.Commentf("%s", anew))
}

// FuzzDecode compares the decoder with encoding/json. It leaves out values for which the two differ on
// purpose.
func FuzzDecode(f *testing.F) {
	f.Add(uint8(6), "100.64.0.1:1", "[fe80::1%a]:2", uint64(1)<<63, uint64(1), "n\x001", "2026-11-22T10:00:00.5Z")
	f.Add(uint8(0), "", "x", uint64(0), uint64(1), "\"\\\u2028\xff", "2026-11-22T10:00:00+02:00")
	f.Fuzz(func(t *testing.T, proto uint8, src, dst string, tx, rx uint64, name, at string) {
		in := map[string]any{
			"nodeId": name, "start": at, "srcNode": map[string]any{"name": name, "tags": []string{name}},
			"virtualTraffic": []any{map[string]any{"proto": proto, "src": src, "dst": dst, "txPkts": tx, "rxBytes": rx, name: name}},
		}
		raw, err := json.Marshal(in)
		qt.Assert(t, err, qt.IsNil)
		var want record.Message
		if err := json.Unmarshal(raw, &want); err != nil || !bytes.Contains(raw, []byte("txPkts")) {
			return
		}
		for i := range want.VirtualTraffic { // zones are left out on purpose
			c := &want.VirtualTraffic[i]
			c.Src = netip.AddrPortFrom(c.Src.Addr().WithZone(""), c.Src.Port())
			c.Dst = netip.AddrPortFrom(c.Dst.Addr().WithZone(""), c.Dst.Port())
		}
		var got records.Record
		if err := got.UnmarshalJSON(raw); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		a, err := json.Marshal(&got.Message)
		qt.Assert(t, err, qt.IsNil)
		b, err := json.Marshal(&want)
		qt.Assert(t, err, qt.IsNil)
		qt.Assert(t, string(a), qt.Equals, string(b))
	})
}
