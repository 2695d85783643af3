package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/go-netlog/netlog/internal/collection"
	"github.com/go-netlog/netlog/logtail"
)

// readLines calls take with the fields of each line of a file, but for empty lines
// and comments. take returns what is wanted in place of a line that it does not accept.
func readLines(path string, take func(fields []string) (want string)) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) { // some editors begin so
		n++
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if want := take(fields); want != "" {
			return fmt.Errorf("%s:%d: want %s", path, n, want)
		}
	}
	return nil
}

// nodeNames are what the operator calls nodes.
type nodeNames map[logtail.PublicID]string

// of returns the name of the node with that ID, "" where there is none.
func (n nodeNames) of(id string) string {
	if len(n) == 0 {
		return ""
	}
	public, err := logtail.ParsePublicID(id)
	if err != nil {
		return "" // a node that no receiver has seen
	}
	return n[public]
}

// readNodes reads a nodes file: public IDs and their names.
func readNodes(path string) (nodeNames, error) {
	nodes := make(nodeNames)
	err := readLines(path, func(fields []string) (want string) {
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

// A grant is one line of the tokens file.
type grant struct {
	sum        [sha256.Size]byte // of the token
	collection string
	everyone   bool // else only id
	id         logtail.PublicID
}

// readGrants reads a tokens file.
func readGrants(path string) ([]grant, error) {
	var grants []grant
	err := readLines(path, func(fields []string) (want string) {
		g, ok := parseGrant(fields)
		switch {
		case !ok:
			return "the SHA-256 of a token, a collection, and a public ID or *"
		case g.sum == sha256.Sum256(nil): // of a variable that was not set, most likely
			return "the SHA-256 of a token, not that of nothing, which everyone knows"
		}
		grants = append(grants, g)
		return ""
	})
	if err != nil {
		return nil, err
	}
	return grants, nil
}

// parseGrant reads the fields of one line.
func parseGrant(fields []string) (g grant, ok bool) {
	if len(fields) != 3 || len(fields[0]) != 2*len(g.sum) || collection.Check(fields[1]) != nil {
		return g, false
	}
	if _, err := hex.Decode(g.sum[:], []byte(fields[0])); err != nil {
		return g, false
	}
	g.collection = fields[1]
	if g.everyone = fields[2] == "*"; g.everyone {
		return g, true
	}
	var err error
	g.id, err = logtail.ParsePublicID(fields[2])
	return g, err == nil
}
