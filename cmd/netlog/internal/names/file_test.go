package names

import (
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

func TestNodesFile(t *testing.T) {
	id := strings.Repeat("Ab", 32)
	for _, test := range []struct {
		line string
		want string // empty: refused
	}{
		{id + " web", "web"}, {"\ufeff" + id + "\tweb server \r\n", "web server"}, {"# x\n\n  " + id + "  a", "a"},
		{id, ""}, {id[1:] + " web", ""}, {"x" + id[1:] + " web", ""}, {id + ", web", ""},
	} {
		c := qt.New(t)
		nodes, err := ParseNodes("nodes", []byte(test.line))
		c.Check(nodes.Of(strings.ToLower(id)), qt.Equals, test.want, qt.Commentf("%q: %v", test.line, err))
		c.Check(err == nil, qt.Equals, test.want != "")
	}
}
