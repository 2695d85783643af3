package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
)

// access says who may send, and what nodes are called.
type access struct {
	tokens *watched[[]grant]   // nil: everyone
	nodes  *watched[nodeNames] // nil: no names
	known  bool                // only nodes with a name
}

var errForbidden = errors.New("forbidden")

// newAccess reads the files of cfg.
func newAccess(cfg serveConfig, say func(string, ...any)) (a *access, err error) {
	a = &access{known: cfg.known}
	if cfg.tokens != "" {
		if a.tokens, err = watch(func() ([]grant, error) { return readGrants(cfg.tokens) }, say, cfg.tokens); err != nil {
			return nil, err
		}
	}
	if cfg.nodes != "" {
		if a.nodes, err = watch(func() (nodeNames, error) { return readNodes(cfg.nodes) }, say, cfg.nodes); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// name returns what a node is called, "" where that is not known.
func (a *access) name(id string) string {
	if a.nodes == nil {
		return ""
	}
	return a.nodes.get().of(id)
}

// authorize is the Authorize of the receiver.
func (a *access) authorize(r *http.Request, collection string, id logtail.PublicID) error {
	if a.tokens != nil {
		if err := authorize(a.tokens.get(), r.Header.Get("Authorization"), collection, id); err != nil {
			return err
		}
	}
	if a.known && a.nodes.get()[id] == "" {
		return errForbidden
	}
	return nil
}

// authorize looks the token in header up. It takes the same time for every token,
// known or not: it compares hashes, in constant time, with all grants.
func authorize(grants []grant, header, collection string, id logtail.PublicID) error {
	scheme, token, _ := strings.Cut(header, " ")
	sum := sha256.Sum256([]byte(token))
	known, granted := 0, 0
	for i := range grants {
		g := &grants[i]
		same := subtle.ConstantTimeCompare(sum[:], g.sum[:])
		known |= same
		if g.collection == collection && (g.everyone || g.id == id) {
			granted |= same
		}
	}
	switch {
	case granted == 1 && strings.EqualFold(scheme, "Bearer"):
		return nil
	case known == 1 && strings.EqualFold(scheme, "Bearer"):
		return errForbidden
	}
	return receiver.ErrUnauthorized
}
