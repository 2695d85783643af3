package names

import (
	"strings"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/logtail"
)

// NodeNames are what the operator calls nodes.
type NodeNames map[logtail.PublicID]string

// Of returns the name of the node with that ID, "" where there is none.
func (n NodeNames) Of(id string) string {
	if len(n) == 0 {
		return ""
	}
	public, err := logtail.ParsePublicID(id)
	if err != nil {
		return "" // a node that no receiver has seen
	}
	return n[public]
}

// ReadNodes reads a nodes file: public IDs and their names.
func ReadNodes(path string) (NodeNames, error) {
	nodes := make(NodeNames)
	err := cli.ReadLines(path, func(fields []string) (want string) {
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
