package receiver

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/go-netlog/netlog/internal/rawjson"
)

// refusal is an answer other than 200. Its text quotes neither the request nor an error of the
// Sink.
type refusal struct {
	code  int
	text  string
	retry time.Duration // for 429 and 503
}

func (e *refusal) Error() string { return e.text }

// retrySoon is the Retry-After if the cause should pass in seconds.
const retrySoon = 5 * time.Second

// These are all refusals except overQuota and the errors of package rawjson.
var (
	errEmpty        = &refusal{http.StatusBadRequest, "empty body", 0}
	errNotObject    = &refusal{http.StatusBadRequest, "an entry is not a JSON object", 0}
	errDuplicate    = &refusal{http.StatusBadRequest, "an entry has a duplicate member", 0}
	errReservedName = &refusal{http.StatusBadRequest, "an entry has another member whose name begins with \"logtail\", in upper or lower case", 0}
	errZstd         = &refusal{http.StatusBadRequest, "invalid zstd", 0}
	errGzip         = &refusal{http.StatusBadRequest, "invalid gzip", 0}
	errLength       = &refusal{http.StatusBadRequest, "the length of the body differs from the one in its header", 0}
	errCopyID       = &refusal{http.StatusBadRequest, "copyId is not a private ID", 0}

	errUnauthorized    = &refusal{http.StatusUnauthorized, "unauthorized", 0}
	errBrowser         = &refusal{http.StatusForbidden, "browsers may not send entries", 0}
	errForbidden       = &refusal{http.StatusForbidden, "forbidden", 0}
	errManyCollections = &refusal{http.StatusForbidden, "too many collections, or a name that differs from another only in case", 0}
	errPath            = &refusal{http.StatusNotFound, "the path must end in /c/<collection>/<private id>", 0}
	errMethod          = &refusal{http.StatusMethodNotAllowed, "the method must be POST", 0}
	errSlowBody        = &refusal{http.StatusRequestTimeout, "the body did not arrive in time", 0}
	errEncoding        = &refusal{http.StatusUnsupportedMediaType, "the encoding must be zstd, gzip or none", 0}

	errLargeBody   = &refusal{http.StatusRequestEntityTooLarge, "body too large", 0}
	errLargeEntry  = &refusal{http.StatusRequestEntityTooLarge, "an entry is too large", 0}
	errManyEntries = &refusal{http.StatusRequestEntityTooLarge, "too many entries", 0}

	errManyRequests = &refusal{http.StatusServiceUnavailable, "too many requests at once", retrySoon}
	errManyOfNode   = &refusal{http.StatusServiceUnavailable, "too many requests of this node at once", retrySoon}
	errBusy         = &refusal{http.StatusServiceUnavailable, "too busy", retrySoon}
	errNodeBusy     = &refusal{http.StatusServiceUnavailable, "too busy with other requests of this node", retrySoon}
	errSink         = &refusal{http.StatusServiceUnavailable, "cannot store", retrySoon}
	errSlowSink     = &refusal{http.StatusServiceUnavailable, "storing takes too long", retrySoon}
)

// overQuota returns a refusal with status 429.
func overQuota(wait time.Duration) *refusal {
	return &refusal{http.StatusTooManyRequests, "over the quota", max(wait, time.Second)}
}

// asRefusal returns the answer for err, which is a refusal or an error of package rawjson.
func asRefusal(err error) *refusal {
	if e, ok := errors.AsType[*refusal](err); ok {
		return e
	}
	if errors.Is(err, rawjson.ErrDepth) || errors.Is(err, rawjson.ErrMembers) {
		return &refusal{http.StatusRequestEntityTooLarge, err.Error(), 0}
	}
	return &refusal{http.StatusBadRequest, err.Error(), 0}
}

// write writes e as the response.
func (e *refusal) write(w http.ResponseWriter) {
	h := w.Header()
	switch e.code {
	case http.StatusMethodNotAllowed:
		h.Set("Allow", http.MethodPost)
	case http.StatusUnsupportedMediaType:
		h.Set("Accept-Encoding", "zstd, gzip") // RFC 9110, 12.5.3
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	}
	if e.retry > 0 {
		seconds := math.Ceil(min(e.retry, time.Hour).Seconds())
		h.Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	http.Error(w, e.text, e.code)
}
