package collection_test

import (
	"regexp"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/collection"
)

func TestCheckNames(t *testing.T) {
	for _, test := range []struct{ rule, name, want string }{
		{"the name of the Logger's own", "netlog", ""},
		{"one character", "a", ""},
		{"a digit may begin", "0a", ""},
		{"capitals", "AZ", ""},
		{"signs inside", "a-_.", ""},
		{"64 characters", strings.Repeat("a", 64), ""},
		{"none", "", "want 1 to 64 characters"},
		{"65 characters", strings.Repeat("a", 65), "want 1 to 64 characters"},
		{"hidden", ".lock", "want a letter or digit first"},
		{"up", "..", "want a letter or digit first"},
		{"like a flag", "-a", "want a letter or digit first"},
		{"a slash", "a/b", "want letters, .* only"},
		{"a backslash", `a\b`, "want letters, .* only"},
		{"a zero", "a\x00", "want letters, .* only"},
		{"a blank", "a b", "want letters, .* only"},
		{"a letter of more than one byte", "\u00e4", "want a letter or digit first"},
		{"and later", "a\u00e4", "want letters, .* only"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			err := collection.Check(test.name)
			if test.want == "" {
				qt.Check(t, err, qt.IsNil)
			} else {
				qt.Check(t, err, qt.ErrorMatches, test.want)
			}
		})
	}
}

// TestCheckEveryByte compares the rule with a regular expression.
func TestCheckEveryByte(t *testing.T) {
	name := regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9\-_.]*$`)
	for n := range 1 << 16 {
		s := string([]byte{byte(n), byte(n >> 8)})
		qt.Assert(t, collection.Check(s) == nil, qt.Equals, name.MatchString(s), qt.Commentf("%q", s))
	}
}
