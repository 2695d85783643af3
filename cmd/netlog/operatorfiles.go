package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
)

// readLines calls take with the fields of each line of a file, but for empty lines
// and comments. want is the error of a line that take does not accept.
func readLines(path, want string, take func(fields []string) bool) error {
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
		if !take(fields) {
			return fmt.Errorf("%s:%d: want %s", printable(path), n, want)
		}
	}
	return nil
}

// readNodes reads a nodes file: public IDs, in lower case, and their names.
func readNodes(path string) (map[string]string, error) {
	nodes := make(map[string]string)
	err := readLines(path, "the 64 digits of a public ID, and a name", func(fields []string) bool {
		id, ok := parsePublicID(fields[0])
		nodes[id] = strings.Join(fields[1:], " ")
		return ok && len(fields) > 1
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
	id         string // public ID in lower case, or "*"
}

// readGrants reads a tokens file.
func readGrants(path string) ([]grant, error) {
	var grants []grant
	err := readLines(path, "the SHA-256 of a token, a collection, and a public ID or *", func(fields []string) bool {
		g, ok := parseGrant(fields)
		grants = append(grants, g)
		return ok
	})
	if err != nil {
		return nil, err
	}
	return grants, nil
}

// parseGrant reads the fields of one line.
func parseGrant(fields []string) (g grant, ok bool) {
	if len(fields) != 3 || len(fields[0]) != 2*len(g.sum) || !receiver.ValidCollection(fields[1]) {
		return g, false
	}
	if _, err := hex.Decode(g.sum[:], []byte(fields[0])); err != nil {
		return g, false
	}
	g.collection = fields[1]
	if g.id = fields[2]; g.id == "*" {
		return g, true
	}
	g.id, ok = parsePublicID(fields[2])
	return g, ok
}

// parsePublicID returns s in lower case, and whether it is a public ID.
func parsePublicID(s string) (string, bool) {
	id, err := hex.DecodeString(s)
	return strings.ToLower(s), err == nil && len(id) == len(logtail.PublicID{})
}
