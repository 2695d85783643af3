package serve

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/go-netlog/netlog/cmd/netlog/internal/names"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
)

// access decides who may send, and knows the names of nodes.
type access struct {
	tokens *watched[grants]          // nil: everyone may send
	nodes  *watched[names.NodeNames] // nil: no names
	known  bool                      // only nodes in the -nodes file
	latest atomic.Pointer[denial]
}

// newAccess reads the -tokens and -nodes files.
func newAccess(cfg config, say func(string, ...any)) (a *access, err error) {
	a = &access{known: cfg.known}
	if cfg.tokens != "" {
		parse := func(files [][]byte) (grants, error) { return parseGrants(cfg.tokens, files[0]) }
		if a.tokens, err = watch(parse, say, cfg.tokens); err != nil {
			return nil, fmt.Errorf("-tokens: %w", err)
		}
		a.tokens.then = a.warnNoToken
	}
	if cfg.nodes != "" {
		parse := func(files [][]byte) (names.NodeNames, error) { return names.ParseNodes(cfg.nodes, files[0]) }
		if a.nodes, err = watch(parse, say, cfg.nodes); err != nil {
			return nil, fmt.Errorf("-nodes: %w", err)
		}
	}
	return a, nil
}

// warnNoToken warns the operator if the tokens file has no token.
func (a *access) warnNoToken() {
	if t := a.tokens; t != nil && len(t.get()) == 0 {
		t.say("netlog serve: nobody can send: there is no token in %s", t.paths[0])
	}
}

// name returns the name of a node, or "".
func (a *access) name(id string) string {
	if a.nodes == nil {
		return ""
	}
	return a.nodes.get().Of(id)
}

// authorize is the Authorize function of the receiver.
func (a *access) authorize(r *http.Request, collection string, id logtail.PublicID) error {
	err := a.check(r.Header.Get("Authorization"), collection, id)
	if err != nil {
		a.deny(id, collection, err)
	}
	return err
}

func (a *access) check(header, collection string, id logtail.PublicID) error {
	if a.tokens != nil {
		if err := authorize(a.tokens.get(), header, collection, id); err != nil {
			return err
		}
	}
	if a.known && a.nodes.get()[id] == "" {
		return errNotKnown
	}
	return nil
}

// denial is one request that was answered 401 or 403.
type denial struct {
	id         logtail.PublicID
	collection string
	why        error
}

// deny remembers why a request was denied.
func (a *access) deny(id logtail.PublicID, collection string, why error) {
	a.latest.Store(&denial{id, collection, why})
}

// lastDenial describes the last request denied since the previous call, or returns "". It
// never shows a token.
func (a *access) lastDenial() string {
	d := a.latest.Swap(nil)
	if d == nil {
		return ""
	}
	return fmt.Sprintf("node %s, collection %s: %v", names.ShortID(d.id.String()), d.collection, d.why)
}

// Why a request is denied.
const (
	errNoToken      = unauthorized("no token")
	errUnknownToken = unauthorized("unknown token")
	errNotHashed    = unauthorized("unknown token; the tokens file has this token itself, where its SHA-256 belongs")
)

var (
	errNotCollection = errors.New("token not good for this collection")
	errNotNode       = errors.New("token not good for this node")
	errNotKnown      = errors.New("node not in the file of -nodes")
)

// unauthorized is a [receiver.ErrUnauthorized] with a reason.
type unauthorized string

func (e unauthorized) Error() string { return string(e) }

// Unwrap lets [errors.Is] find [receiver.ErrUnauthorized].
func (unauthorized) Unwrap() error { return receiver.ErrUnauthorized }

// authorize checks the token in header. It looks up the hash of the token, so the time that takes says
// nothing about other tokens.
func authorize(all grants, header, collection string, id logtail.PublicID) error {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return errNoToken
	}
	list, known := all[sha256.Sum256([]byte(token))]
	if !known {
		// A token of openssl rand -hex 32 looks like a hash, so the file may have it by mistake.
		if raw, err := hex.DecodeString(token); err == nil && len(raw) == sha256.Size && all[[sha256.Size]byte(raw)] != nil {
			return errNotHashed
		}
		return errUnknownToken
	}
	why := errNotCollection
	for _, g := range list {
		if g.collection != collection {
			continue
		}
		if g.everyone || g.id == id {
			return nil
		}
		why = errNotNode
	}
	return why
}
