package names

import (
	"strings"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/logtail"
)

// NodeNames maps public IDs to the names that the operator chose.
type NodeNames map[logtail.PublicID]string

// Of returns the name of the node with this public ID, or "".
func (n NodeNames) Of(id string) string {
	if len(n) == 0 {
		return ""
	}
	public, err := logtail.ParsePublicID(id)
	if err != nil {
		return "" // not a public ID
	}
	return n[public]
}

// ParseNodes parses data, the content of the file path: lines of a public ID and a name.
func ParseNodes(path string, data []byte) (NodeNames, error) {
	nodes := make(NodeNames)
	err := cli.ParseLines(path, data, func(fields []string) (want string) {
		id, err := logtail.ParsePublicID(fields[0])
		if err != nil || len(fields) < 2 {
			return "the 64 digits of a public ID, and a name"
		}
		nodes[id] = strings.Join(fields[1:], " ")
		return ""
	})
	if err != nil {
		return nil, err
	}
	return nodes, nil
}
