package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/go-netlog/netlog/cmd/netlog/internal/names"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
)

// access says who may send, and what nodes are called.
type access struct {
	tokens *watched[[]grant]         // nil: everyone
	nodes  *watched[names.NodeNames] // nil: no names
	known  bool                      // only nodes with a name
	latest atomic.Pointer[denial]
}

// newAccess reads the files of cfg.
func newAccess(cfg config, say func(string, ...any)) (a *access, err error) {
	a = &access{known: cfg.known}
	if cfg.tokens != "" {
		if a.tokens, err = watch(func() ([]grant, error) { return readGrants(cfg.tokens) }, say, cfg.tokens); err != nil {
			return nil, fmt.Errorf("-tokens: %w", err)
		}
		a.tokens.then = a.tellNoToken
	}
	if cfg.nodes != "" {
		if a.nodes, err = watch(func() (names.NodeNames, error) { return names.ReadNodes(cfg.nodes) }, say, cfg.nodes); err != nil {
			return nil, fmt.Errorf("-nodes: %w", err)
		}
	}
	return a, nil
}

// tellNoToken tells the operator where the tokens file lets nobody in.
func (a *access) tellNoToken() {
	if t := a.tokens; t != nil && len(t.get()) == 0 {
		t.say("netlog serve: nobody can send: there is no token in %s", t.paths[0])
	}
}

// name returns what a node is called, "" where that is not known.
func (a *access) name(id string) string {
	if a.nodes == nil {
		return ""
	}
	return a.nodes.get().Of(id)
}

// authorize is the Authorize of the receiver.
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

// A denial is one request that was answered 401 or 403.
type denial struct {
	id         logtail.PublicID
	collection string
	why        error
}

// deny keeps why a request is denied, for the one line a minute.
func (a *access) deny(id logtail.PublicID, collection string, why error) {
	a.latest.Store(&denial{id, collection, why})
}

// lastDenial tells of the last request that was denied since it was called before,
// "" where none was. It shows no token, known or not.
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
)

var (
	errNotCollection = errors.New("token not good for this collection")
	errNotNode       = errors.New("token not good for this node")
	errNotKnown      = errors.New("node not in the file of -nodes")
)

// unauthorized is a [receiver.ErrUnauthorized] and its reason.
type unauthorized string

func (e unauthorized) Error() string { return string(e) }

// Unwrap says what it is to [errors.Is].
func (unauthorized) Unwrap() error { return receiver.ErrUnauthorized }

// authorize looks the token in header up. It takes the same time for every token,
// known or not: it compares hashes, in constant time, with all grants.
func authorize(grants []grant, header, collection string, id logtail.PublicID) error {
	scheme, token, _ := strings.Cut(header, " ")
	sum := sha256.Sum256([]byte(token))
	known, here, granted := 0, 0, 0
	for i := range grants {
		g := &grants[i]
		same := subtle.ConstantTimeCompare(sum[:], g.sum[:])
		known |= same
		if g.collection == collection {
			here |= same
			if g.everyone || g.id == id {
				granted |= same
			}
		}
	}
	switch {
	case !strings.EqualFold(scheme, "Bearer") || token == "":
		return errNoToken
	case granted == 1:
		return nil
	case here == 1:
		return errNotNode
	case known == 1:
		return errNotCollection
	}
	return errUnknownToken
}
