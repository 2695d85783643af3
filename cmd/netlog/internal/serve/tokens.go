package serve

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/internal/collection"
	"github.com/go-netlog/netlog/logtail"
)

// grants holds the lines of the tokens file, by the hash of the token.
type grants map[[sha256.Size]byte][]grant

// grant permits the owner of a token to write to a collection.
type grant struct {
	collection string
	everyone   bool             // as any node, otherwise only as id
	id         logtail.PublicID // zero if everyone is set
}

// parseGrants parses data, the content of the tokens file path.
func parseGrants(path string, data []byte) (grants, error) {
	all := make(grants)
	err := cli.ParseLines(path, data, func(fields []string) (want string) {
		sum, g, ok := parseGrant(fields)
		switch {
		case !ok:
			return "the SHA-256 of a token, a collection, and a public ID or *"
		case sum == sha256.Sum256(nil): // probably of an unset variable
			return "the SHA-256 of a token, not that of nothing, which everyone knows"
		}
		all[sum] = append(all[sum], g)
		return ""
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// parseGrant parses the fields of one line.
func parseGrant(fields []string) (sum [sha256.Size]byte, g grant, ok bool) {
	if len(fields) != 3 || len(fields[0]) != 2*len(sum) || collection.Check(fields[1]) != nil {
		return sum, g, false
	}
	if _, err := hex.Decode(sum[:], []byte(fields[0])); err != nil {
		return sum, g, false
	}
	g.collection = fields[1]
	if g.everyone = fields[2] == "*"; g.everyone {
		return sum, g, true
	}
	var err error
	g.id, err = logtail.ParsePublicID(fields[2])
	return sum, g, err == nil
}
