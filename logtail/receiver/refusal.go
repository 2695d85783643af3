package receiver

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/go-netlog/netlog/internal/rawjson"
)

// A refusal is an answer other than 200. Its text quotes nothing of the request
// and nothing of an error of the Sink.
type refusal struct {
	code  int
	text  string
	retry time.Duration // for 429 and 503
}

// retrySoon is told to clients where the cause is expected to pass in seconds.
const retrySoon = 5 * time.Second

// refuse makes a refusal from an error of this package.
func refuse(code int, err error) *refusal { return &refusal{code: code, text: err.Error()} }

// unavailable is a 503.
func unavailable(text string) *refusal {
	return &refusal{http.StatusServiceUnavailable, text, retrySoon}
}

// refuseBody says how a body that cannot be taken is answered.
func refuseBody(err error) *refusal {
	for _, large := range []error{rawjson.ErrDepth, errManyItems, rawjson.ErrMembers, errLargeEntry, errLargeBody} {
		if errors.Is(err, large) {
			return refuse(http.StatusRequestEntityTooLarge, large)
		}
	}
	return refuse(http.StatusBadRequest, err)
}

// write sends e.
func (e *refusal) write(w http.ResponseWriter) {
	h := w.Header()
	switch e.code {
	case http.StatusMethodNotAllowed:
		h.Set("Allow", http.MethodPost)
	case http.StatusUnsupportedMediaType:
		h.Set("Accept-Encoding", "zstd") // RFC 9110, 12.5.3
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	}
	if e.retry > 0 {
		seconds := math.Ceil(min(e.retry, time.Hour).Seconds())
		h.Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	http.Error(w, e.text, e.code)
}
