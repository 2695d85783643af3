package rawjson_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/rawjson"
)

func TestCheckUnicode(t *testing.T) {
	for _, test := range []struct {
		text, to string // to: the result of ToUnicode, if it differs
		want     error
	}{
		{`{"a":"b"}`, "", nil},
		{`"\ud83d\ude00\u0000\uffff\ufffd\u00e9"`, "", nil},
		{`"\\ud800"`, "", nil},
		{`"\\\\ud800\""`, "", nil},
		{`"\ud800"`, `"\ufffd"`, rawjson.ErrSurrogate},
		{`"\udfff"`, `"\ufffd"`, rawjson.ErrSurrogate},
		{`"\uD800\ud800\uDC00"`, `"\ufffd\ud800\uDC00"`, rawjson.ErrSurrogate},
		{`"\ude00\ud83d"`, `"\ufffd\ufffd"`, rawjson.ErrSurrogate},
		{`"\ud83dx\ude00"`, `"\ufffdx\ufffd"`, rawjson.ErrSurrogate},
		{`"\ud83d\\ude00"`, `"\ufffd\\ude00"`, rawjson.ErrSurrogate},
		{`"\\\ud800"`, `"\\\ufffd"`, rawjson.ErrSurrogate},
		{`{"\udc00":1}`, `{"\ufffd":1}`, rawjson.ErrSurrogate},
		{`["a","\ud800","\udc00"]`, `["a","\ufffd","\ufffd"]`, rawjson.ErrSurrogate},
		{"\"\xff\"", "\"\ufffd\"", rawjson.ErrUTF8},
		{"\"\xed\xa0\x80\"", "\"\ufffd\"", rawjson.ErrUTF8},
		{"{\"\xc0\x80\":1}", "{\"\ufffd\":1}", rawjson.ErrUTF8},
		{`"\`, "", nil}, // not JSON: the Scanner finds out
		{`"\u`, "", nil},
		{`"\ud8`, "", nil},
		{`"\ud800`, `"\ufffd`, rawjson.ErrSurrogate},
		{`"\u+123"`, "", nil},
	} {
		c := qt.New(t)
		c.Check(rawjson.CheckUnicode([]byte(test.text)), qt.Equals, test.want, qt.Commentf("%s", test.text))
		to := test.to
		if to == "" {
			to = test.text
		}
		c.Check(string(rawjson.ToUnicode([]byte(test.text))), qt.Equals, to)
	}
}

// TestToUnicodeAgreesWithEncodingJSON checks on random strings that ToUnicode replaces what encoding/json
// replaces.
func TestToUnicodeAgreesWithEncodingJSON(t *testing.T) {
	c := qt.New(t)
	pieces := []string{`\ud800`, `\uDBFF`, `\udc00`, `\uDFFF`, `\u0041`, `\\`, `\"`, `u`, `d800`, "\xff", "\u00e9", "\ufffd"}
	rng := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for range 50_000 {
		var b strings.Builder
		for range rng.IntN(8) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		quoted := []byte(`"` + b.String() + `"`)
		var want, got string
		c.Assert(json.Unmarshal(quoted, &want), qt.IsNil)
		to := rawjson.ToUnicode(quoted)
		c.Assert(json.Unmarshal(to, &got), qt.IsNil)
		c.Assert(rawjson.CheckUnicode(to), qt.IsNil)
		if rawjson.CheckUnicode(quoted) != nil {
			refused++
		} else {
			c.Assert(strings.Count(want, "\ufffd"), qt.Equals, strings.Count(b.String(), "\ufffd"))
		}
		// encoding/json replaces each invalid byte, and ToUnicode each run of them.
		squeeze := func(s string) string {
			for strings.Contains(s, "\ufffd\ufffd") {
				s = strings.ReplaceAll(s, "\ufffd\ufffd", "\ufffd")
			}
			return s
		}
		c.Assert(squeeze(got), qt.Equals, squeeze(want), qt.Commentf("%s", quoted))
		c.Assert(utf8.ValidString(got), qt.IsTrue)
	}
	c.Check(refused > 1000, qt.IsTrue, qt.Commentf("%d refused", refused))
}
