package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	qt "github.com/frankban/quicktest"
)

func TestAppendJSONPrintable(t *testing.T) {
	for _, s := range []string{"", "{}", `{"a":"` + strings.Repeat("\u00e4\u20ac\U0001f600\ufffd", 9) + `"}`} {
		qt.Check(t, string(AppendJSON([]byte("x"), []byte(s))), qt.Equals, "x"+s+"\n")
	}
}

func TestAppendJSONEscapes(t *testing.T) {
	for in, want := range map[string]string{
		"{\"a\":\"\u202e\"}":      `{"a":"\u202e"}`,
		"{\"\u200f\":\"\u2066\"}": `{"\u200f":"\u2066"}`,
		"{\"a\":\"\u009b\x7f\"}":  `{"a":"\u009b\u007f"}`,
		"{\"a\":\"\U000e0041\"}":  `{"a":"\udb40\udc41"}`,
		"{\"a\":\"\x9b\"}":        `{"a":"\ufffd"}`,
		"{\"a\":\t1\r}":           `{"a": 1 }`,
	} {
		qt.Check(t, string(AppendJSON(nil, []byte(in))), qt.Equals, want+"\n")
	}
}

// TestAppendJSONKeepsValues checks all characters of Unicode that a terminal may not show
// as one character: they are escaped, and the value remains the same.
func TestAppendJSONKeepsValues(t *testing.T) {
	for r := rune(0x7f); r <= unicode.MaxRune; r++ {
		if !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) {
			continue
		}
		out := AppendJSON(nil, []byte(`"a`+string(r)+`"`))
		if strings.ContainsRune(string(out), r) {
			t.Errorf("%U is not escaped", r)
		}
		var got string
		if err := json.Unmarshal(out, &got); err != nil || got != "a"+string(r) {
			t.Errorf("%U: %q, %v", r, got, err)
		}
	}
}
