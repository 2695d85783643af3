package serve

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/internal/collection"
	"github.com/go-netlog/netlog/logtail"
)

// grant is one line of the tokens file.
type grant struct {
	sum        [sha256.Size]byte // of the token
	collection string
	everyone   bool // otherwise only id
	id         logtail.PublicID
}

// parseGrants parses data, the content of the tokens file path.
func parseGrants(path string, data []byte) ([]grant, error) {
	var grants []grant
	err := cli.ParseLines(path, data, func(fields []string) (want string) {
		g, ok := parseGrant(fields)
		switch {
		case !ok:
			return "the SHA-256 of a token, a collection, and a public ID or *"
		case g.sum == sha256.Sum256(nil): // probably of an unset variable
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

// parseGrant parses the fields of one line.
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
