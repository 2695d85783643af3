package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
)

// access says who may send, and what nodes are called.
type access struct {
	tokens *watched[[]grant] // nil: everyone
	nodes  *watched[*names]  // nil: no names
	known  bool              // only nodes with a name
}

// A grant is one line of the tokens file.
type grant struct {
	sum        [sha256.Size]byte // of the token
	collection string
	id         string // public ID, or "*"
}

var errForbidden = errors.New("forbidden")

// newAccess reads the files of cfg.
func newAccess(cfg serveConfig, say func(string, ...any)) (a *access, err error) {
	a = &access{known: cfg.known}
	if cfg.tokens != "" {
		if a.tokens, err = watch(cfg.tokens, readGrants, say); err != nil {
			return nil, err
		}
	}
	if cfg.nodes != "" {
		read := func(path string) (*names, error) {
			n := new(names)
			return n, n.readFile(path)
		}
		if a.nodes, err = watch(cfg.nodes, read, say); err != nil {
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
	return a.nodes.get().node(id)
}

// authorize is the Authorize of the receiver.
func (a *access) authorize(r *http.Request, collection string, id logtail.PublicID) error {
	if a.tokens != nil {
		if err := authorize(a.tokens.get(), r.Header.Get("Authorization"), collection, id.String()); err != nil {
			return err
		}
	}
	if a.known && a.name(id.String()) == "" {
		return errForbidden
	}
	return nil
}

// authorize looks the token in header up. It takes the same time for every token,
// known or not: it compares hashes, in constant time, with all grants.
func authorize(grants []grant, header, collection, id string) error {
	scheme, token, _ := strings.Cut(header, " ")
	sum := sha256.Sum256([]byte(token))
	known, granted := 0, 0
	for i := range grants {
		g := &grants[i]
		same := subtle.ConstantTimeCompare(sum[:], g.sum[:])
		known |= same
		if g.collection == collection && (g.id == "*" || g.id == id) {
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

// readGrants reads a tokens file.
func readGrants(path string) ([]grant, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var grants []grant
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		g, ok := parseGrant(fields)
		if !ok {
			return nil, fmt.Errorf("%s:%d: want the SHA-256 of a token, a collection, and a public ID or *", printable(path), n)
		}
		grants = append(grants, g)
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
	g.collection, g.id = fields[1], strings.ToLower(fields[2])
	id, err := hex.DecodeString(g.id)
	return g, g.id == "*" || err == nil && len(id) == len(logtail.PublicID{})
}

// watched is a value read from a file, and read again after the file has changed. A
// file that cannot be read leaves the value as it was.
type watched[T any] struct {
	path  string
	read  func(path string) (T, error)
	say   func(format string, args ...any)
	value atomic.Pointer[T]

	// mu guards the fields below. Only the one who checks the file holds it.
	mu      sync.Mutex
	checked time.Time
	stamp   fileStamp
}

// fileStamp tells one version of a file from the next.
type fileStamp struct {
	modified time.Time
	size     int64
}

// checkEvery is how old what get returns can be.
const checkEvery = time.Second

// watch reads path for the first time.
func watch[T any](path string, read func(string) (T, error), say func(string, ...any)) (*watched[T], error) {
	w := &watched[T]{path: path, read: read, say: say}
	stamp, err := stampOf(path)
	if err != nil {
		return nil, err
	}
	v, err := read(path)
	if err != nil {
		return nil, err
	}
	w.value.Store(&v)
	w.stamp, w.checked = stamp, time.Now()
	return w, nil
}

// get returns the value, at most checkEvery behind the file.
func (w *watched[T]) get() T {
	if w.mu.TryLock() {
		if time.Since(w.checked) >= checkEvery {
			w.checkLocked()
			w.checked = time.Now()
		}
		w.mu.Unlock()
	}
	return *w.value.Load()
}

// checkLocked reads the file again where it has changed.
func (w *watched[T]) checkLocked() {
	stamp, err := stampOf(w.path)
	if stamp == w.stamp {
		return
	}
	w.stamp = stamp // so that one fault is told once
	var v T
	if err == nil {
		v, err = w.read(w.path)
	}
	if err != nil {
		w.say("netlog serve: %v; what it said before stays in force", err)
		return
	}
	w.value.Store(&v)
	w.say("netlog serve: read %s again", w.path)
}

// stampOf returns the stamp of a file, zero where there is none.
func stampOf(path string) (fileStamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{}, err
	}
	return fileStamp{info.ModTime(), info.Size()}, nil
}
