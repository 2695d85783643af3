// Package receiver is the other end of logtail: an [http.Handler] that takes
// entries from nodes, checks and bounds them, says whose they are, and stores them
// in a [Sink] such as a filestore.Store.
//
//	package main
//
//	import (
//		"log"
//		"net/http"
//		"time"
//
//		"github.com/go-netlog/netlog/logtail/receiver"
//		"github.com/go-netlog/netlog/logtail/receiver/filestore"
//	)
//
//	func main() {
//		files, err := filestore.Open("flows", filestore.Options{})
//		if err != nil {
//			log.Fatal(err)
//		}
//		defer files.Close()
//		server := &http.Server{
//			Addr:              "127.0.0.1:8641",
//			Handler:           &receiver.Handler{Sink: files},
//			ReadHeaderTimeout: 10 * time.Second,
//		}
//		log.Print(server.ListenAndServe())
//	}
//
// # Requests
//
// A request is POST /c/<collection>/<private id>[?copyId=<private id>], after any
// prefix. Its body is a JSON array of objects, or objects with white space between
// them (lines, or a single one), plain or as zstd. A collection has a name of 1 to
// 64 characters of [a-zA-Z0-9-_.], the first alphanumeric. The answers:
//
//	200  stored, or stored before
//	400  not JSON in UTF-8, or not objects, or a member twice or disguised as
//	     "logtail", or a wrong length
//	401  Authorize returned ErrUnauthorized
//	403  Authorize returned another error, or the Sink ErrCollections, or a browser
//	     has sent it
//	404  not a path as above
//	405  not POST
//	408  the body did not come in time
//	413  more bytes, entries or window than allowed, nested deeper than 64, or an
//	     entry of more than 1,000 members
//	415  an encoding but zstd
//	429  over the quota of the node, or too many new IDs; with Retry-After
//	503  not stored: busy, too many requests at once, or the Sink failed or took too
//	     long; with Retry-After
//
// # Attribution
//
// Who sent an entry is for the server to say: the "logtail" member of an entry is
// made anew from the client's client_time, proc_id, proc_seq and error so far as
// they are valid, the node's public ID ("id") and the time of receipt
// ("server_time"). Other members whose names begin so, in any case, are refused, as
// readers could take "Logtail" or "logtail.id" for it. It becomes the first member;
// all other bytes stay as they came, but line breaks between tokens become blanks.
// The private ID is neither stored nor logged, and Authorize does not see it.
//
// # Browsers
//
// Any web page can have its reader's browser send what it likes to any server that the
// browser reaches, this machine's own too. So a request with Origin or Sec-Fetch-Site,
// which browsers add and nodes do not, is answered 403. That they name the same site is
// no excuse: by DNS rebinding, a page has any address for its site.
//
// # Doubles and gaps
//
// Nodes send at least once. An entry with the proc_id, proc_seq and bytes of one
// stored before is answered 200 and not stored again; one with other bytes is stored
// with "conflict":true. Remembered are, for the latest 4 pairs of process and collection
// of a node, the latest 256 entries or more, in at most 64 MiB for all nodes. A
// restart of the server forgets them, so that what was sent again across it is
// stored twice. Where the memory is full, the nodes with most of it lose theirs
// first. Entries without both numbers are stored as they come.
package receiver

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/go-netlog/netlog/logtail"
)

// ErrUnauthorized is what Authorize returns, wrapped or not, where the request has no
// valid credentials at all: it is answered 401 in place of 403.
var ErrUnauthorized = errors.New("receiver: unauthorized")

// ErrCollections is returned by a [Sink] that accepts no further collection, or not one of
// this name. The Handler answers 403.
var ErrCollections = errors.New("receiver: too many collections")

// Sink stores entries. A Handler calls it from several goroutines at once, but for
// one node from one at a time.
type Sink interface {
	// Store returns nil when all of b is stored. On an error nothing may count as
	// stored: the node is told to send it again. A Store that goes on after ctx has
	// ended is not waited for, but its outcome still counts.
	Store(ctx context.Context, b Batch) error
}

// A Batch is what one request brought, doubles left out. It is valid during the
// call to Store only, and read-only.
type Batch struct {
	Collection string
	ID         logtail.PublicID // of the node
	CopyID     logtail.PublicID // of the copyId parameter; zero: none
	Received   time.Time
	Entries    [][]byte // at least one; each a JSON object in one line, attributed, without a line break
}

// Handler takes entries over HTTP and stores them in its Sink. It must not be
// copied, nor its fields changed, after its first request.
//
// It may be called concurrently. It holds at most Limits.Requests bodies in
// memory; few are decompressed and stored at once, of one node one, the others wait.
type Handler struct {
	// Sink stores the entries. It is required.
	Sink Sink

	// Authorize, where set, is asked before the body is read whether a node
	// may write to a collection. An error is answered 403, or 401 where it is
	// ErrUnauthorized; its text goes nowhere. nil: everyone may.
	//
	// The request that it sees has the method, protocol, host, header, remote address, TLS
	// state and context of the real one. It has no body; its URL has the public
	// ID in place of the private one, and no query; header fields that hold a
	// private ID are left out.
	Authorize func(r *http.Request, collection string, id logtail.PublicID) error

	// Limits bound requests and nodes. Zero: the defaults.
	Limits Limits

	// Logf gets a line when the Sink begins to fail or works again; nil: silent.
	// It is called concurrently.
	Logf func(format string, args ...any)

	once sync.Once
	core *core // immutable after once
}

// Stats never waits for the Sink.
func (h *Handler) Stats() Stats { return h.init().stats() }

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := h.init()
	c.count.requests.Add(1)
	if err := c.accept(w, r); err != nil {
		ref := asRefusal(err)
		c.count.refused(ref.code)
		ref.write(w)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// init makes the state of h at its first use.
func (h *Handler) init() *core {
	h.once.Do(func() { h.core = newCore(h) })
	return h.core
}
