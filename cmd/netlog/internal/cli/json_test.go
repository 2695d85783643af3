package cli

import (
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

func TestAppendJSONPrintable(t *testing.T) {
	for _, s := range []string{"", "{}", `{"a":"` + strings.Repeat("\u00e4\u20ac\U0001f600\ufffd", 9) + `"}`} {
		qt.Check(t, string(AppendJSON([]byte("x"), []byte(s))), qt.Equals, "x"+s+"\n")
	}
}
