// Package receiver is the other end of logtail: an [http.Handler] that receives the entries
// of nodes, checks and bounds them, attributes them to their senders, and stores them in a
// [Sink] such as a filestore.Store.
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
// A request is POST /c/<collection>/<private id>[?copyId=<private id>], with any prefix
// before /c. The body is a JSON array of objects, or objects separated by white space (one
// object, or lines), plain or compressed with zstd or gzip. The name of a collection has 1 to 64
// characters of [a-zA-Z0-9-_.], the first alphanumeric. The answers are:
//
//	200  stored now or before
//	400  an empty body, not valid UTF-8 JSON, half of a surrogate pair in an escape, not objects,
//	     a duplicate member, another name that begins with "logtail", invalid zstd or
//	     gzip, an invalid copyId, or a body whose length differs from Content-Length
//	401  Authorize returned ErrUnauthorized
//	403  Authorize returned another error, the Sink returned ErrCollections, or the
//	     request came from a browser
//	404  another path
//	405  not POST
//	408  the body did not arrive in time
//	413  too many bytes or entries, too large a zstd window, nested deeper than 64, or
//	     an entry of more than 1,000 members
//	415  an encoding other than zstd or gzip
//	429  over the quota of the node, or too many new IDs; with Retry-After
//	503  not stored: too many requests at once, or the Sink failed or took too long;
//	     with Retry-After
//
// No other members of an entry are checked. An entry need not be a record, and its members may
// have any type, even if their names are those of a record. So readers must skip members that they
// cannot use.
//
// # Attribution
//
// The server decides who sent an entry. It replaces the "logtail" member of an entry by a new
// one. The new one holds the public ID of the node ("id") and the time of receipt
// ("server_time"). It also holds client_time, proc_id, proc_seq and error of the client, except
// those that are not valid. The server refuses other members whose names begin with "logtail" in
// upper or lower case, because readers could mistake "Logtail" or "logtail.id" for it. The new
// member is the first one. All other bytes stay as they are, except that line breaks between
// tokens become spaces. The private ID is neither stored nor logged, and Authorize does not see it.
//
// # Browsers
//
// A web page can make a browser send requests to any server that the browser reaches,
// including servers on the same machine. So a request with an Origin or Sec-Fetch-Site header
// is answered 403: browsers add them and nodes do not. It is refused even if they name the
// same site, because DNS rebinding gives a page any address.
//
// # Duplicates and gaps
//
// Nodes deliver at least once. An entry with the proc_id, proc_seq and content of a stored entry
// is answered 200 and not stored again. If only the content differs, it is stored with
// "conflict":true. Entries without both numbers are always stored. Stats.Missing counts the
// numbers that are skipped.
//
// The Handler remembers the latest 256 entries for each of the latest 4 pairs of proc_id and
// collection of a node, in at most 64 MiB for all nodes. If that memory is full, the nodes that
// use the most of it are forgotten first. Before its first request, a Handler reads the newest
// entries of a Sink that is a [Recaller]: about 128 MiB of them, for at most half a second. So an
// entry that was stored just before a crash, and is sent again, is stored once.
package receiver

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/go-netlog/netlog/logtail"
)

// ErrUnauthorized is the error, possibly wrapped, that Authorize returns for a request without
// valid credentials. The answer is then 401 instead of 403.
var ErrUnauthorized = errors.New("receiver: unauthorized")

// ErrCollections is returned by a [Sink] that accepts no further collections, or no collection
// of this name. The Handler answers 403.
var ErrCollections = errors.New("receiver: too many collections")

// Sink stores entries. A Handler calls it from several goroutines at once, but from only one
// at a time for the same node.
type Sink interface {
	// Store stores all of b. If it returns an error, the node sends the whole batch again.
	// If Store has not returned when ctx ends, the Handler answers 503. The result of Store
	// still decides whether the entries count as stored.
	Store(ctx context.Context, b Batch) error
}

// A Batch holds the entries of one request, without duplicates. It is read-only, and valid
// only during the call to Store.
type Batch struct {
	Collection string
	ID         logtail.PublicID // of the node
	CopyID     logtail.PublicID // of the copyId parameter; zero if there is none
	Received   time.Time
	Entries    [][]byte // at least one; each a JSON object on one line, without the line break
}

// Handler receives entries over HTTP and stores them in its Sink. It must not be copied or
// changed after its first request. It is safe for concurrent use.
//
// A Handler holds at most Limits.MaxRequests bodies in memory. It decompresses and stores only
// a few of them at once, and only one of each node; the others wait.
type Handler struct {
	// Sink stores the entries. It is required.
	Sink Sink

	// Authorize decides, before the body is read, whether a node may write to a collection.
	// An error is answered 403, or 401 if it is ErrUnauthorized. Its text is not used. If
	// Authorize is nil, everyone may write.
	//
	// The request passed to it has the method, protocol, host, header, remote address, TLS
	// state and context of the original. It has no body and no query. Its URL contains the
	// public ID in place of the private one, and header fields that contain a private ID
	// are removed.
	Authorize func(r *http.Request, collection string, id logtail.PublicID) error

	// Limits bounds requests and nodes. The zero Limits are the defaults.
	Limits Limits

	// Logf is called when the Sink returns an error with another text than before, and when
	// the Sink works again. It is not called for ErrCollections. It must be safe for
	// concurrent use. It may be nil.
	Logf func(format string, args ...any)

	once sync.Once
	core *core // immutable after once
}

// Stats returns the counters of the Handler. It never waits for the Sink.
func (h *Handler) Stats() Stats { return h.init().stats() }

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := h.init()
	c.recalled.Do(c.recall)
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
