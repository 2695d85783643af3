package rawjson_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/rawjson"
)

// TestScannerAgreesWithEncodingJSON on random small texts over the bytes that
// matter to JSON, valid about one time in ten.
func TestScannerAgreesWithEncodingJSON(t *testing.T) {
	c := qt.New(t)
	words := []string{`{`, `}`, `[`, `]`, `,`, `:`, `"a"`, `"b\n"`, `"\u00e9"`, `"\`, `"`, `0`, `-1`, `1.5`, `2e9`, `.`, `e`, `-`,
		`true`, `false`, `null`, `nul`, ` `, "\n", "\x00", `{"a":`, `{"a":1}`, `[1,`, `[]`, `{}`}
	rng := rand.New(rand.NewPCG(1, 2))
	valid := 0
	for range 300_000 {
		var text []byte
		for range 1 + rng.IntN(6) {
			text = append(text, words[rng.IntN(len(words))]...)
		}
		s := rawjson.Scanner{Text: text}
		s.Space()
		err := s.Value(0)
		s.Space()
		got := err == nil && s.Pos == len(text)
		if want := json.Valid(text); got != want {
			t.Fatalf("%q: %v, want %v", text, got, want)
		}
		if got {
			valid++
		}
	}
	c.Check(valid > 10_000, qt.IsTrue, qt.Commentf("%d valid texts", valid))
}

// TestUnquoteAgreesWithEncodingJSON likewise, for the names of members.
func TestUnquoteAgreesWithEncodingJSON(t *testing.T) {
	words := []string{`a`, "\u00e9", `\n`, `\t`, `\b`, `\f`, `\r`, `\"`, `\\`, `\/`, `\u0061`, `\uD83d`, `\ude00`, `\u0000`, `\uffff`}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		quoted := []byte{'"'}
		for range rng.IntN(5) {
			quoted = append(quoted, words[rng.IntN(len(words))]...)
		}
		quoted = append(quoted, '"')
		var want string
		err := json.Unmarshal(quoted, &want)
		if got := string(rawjson.Unquote(quoted)); err != nil || got != want {
			t.Fatalf("%s: %q, want %q", quoted, got, want)
		}
	}
}
