package main

import (
	"encoding/json"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestFmtJSONCannotMoveTheCursor prints what other writers than the receiver store.
func TestFmtJSONCannotMoveTheCursor(t *testing.T) {
	c := qt.New(t)
	const in = "{\"logtail\":{},\"text\":\"a\u009b2J\x7fb\u00a0\u00e9\xff\x9b\"}\n"
	_, out, _ := netlogCommand(t, in, "fmt", "-json")
	checkPrintable(c, out)
	c.Check(out, qt.Equals, `{"logtail":{},"text":"a\u009b2J\u007fb`+"\u00a0\u00e9"+`\ufffd\ufffd"}`+"\n")
	var was, is struct{ Text string }
	c.Assert(json.Unmarshal([]byte(in), &was), qt.IsNil)
	c.Assert(json.Unmarshal([]byte(out), &is), qt.IsNil)
	c.Check(is, qt.Equals, was, qt.Commentf("it is the same text"))

	_, out, _ = netlogCommand(t, "{\"logtail\":{},\r\"text\":\"over\"}", "fmt", "-json")
	c.Check(out, qt.Equals, `{"logtail":{},"text":"over"}`+"\n", qt.Commentf("a carriage return between two members"))
}

func TestAppendJSONLeavesWhatPrints(t *testing.T) {
	for _, s := range []string{"", "{}", `{"a":"` + strings.Repeat("\u00e4\u20ac\U0001f600\ufffd", 9) + `"}`} {
		qt.Check(t, string(appendJSON([]byte("x"), []byte(s))), qt.Equals, "x"+s+"\n")
	}
}
