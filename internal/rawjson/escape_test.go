package rawjson_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/rawjson"
)

func checkEscaped(t testing.TB, s string) {
	t.Helper()
	want, err := json.Marshal(s)
	qt.Assert(t, err, qt.IsNil)
	got := rawjson.AppendEscaped([]byte(`"`), s)
	qt.Assert(t, string(append(got, '"')), qt.Equals, string(want))
}

func TestAppendEscapedAgreesWithEncodingJSON(t *testing.T) {
	for c := range 256 { // every byte, alone and between others
		checkEscaped(t, string([]byte{byte(c)}))
		checkEscaped(t, string([]byte{'a', byte(c), 'b'}))
	}
	for r := range rune(0x11000) { // every rune of the first plane, and some beyond
		checkEscaped(t, "x"+string(r))
	}
	pieces := []string{"a", `"`, `\`, "<", "\x00", "\x7f", "\xff", "\xe2\x80", "\u2028", "\u2029", "\ufffd", "\u00e9", "\U0001f600", "\xed\xa0\x80", "\n"}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50_000 {
		var s strings.Builder
		for range rng.IntN(8) {
			s.WriteString(pieces[rng.IntN(len(pieces))])
		}
		checkEscaped(t, s.String())
	}
}

func TestAppendEscapedAllocatesNothing(t *testing.T) {
	text := strings.Repeat("a\"\u00e9\xff", 1000)
	dst := make([]byte, 0, 6*len(text))
	qt.Check(t, testing.AllocsPerRun(100, func() { rawjson.AppendEscaped(dst, text) }), qt.Equals, 0.0)
}
