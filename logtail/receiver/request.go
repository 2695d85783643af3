package receiver

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/go-netlog/netlog/internal/collection"
	"github.com/go-netlog/netlog/logtail"
)

// target is what the URL of a request says.
type target struct {
	collection string
	id, copyID logtail.PublicID
	prefix     string // of the path, up to and with "/c"
}

// parseTarget reads the last three elements of the path, so that any prefix may
// stand before them.
func parseTarget(u *url.URL) (target, error) {
	rest, id, _ := cutLast(u.Path)
	rest, name, ok := cutLast(rest)
	if !ok || !strings.HasSuffix(rest, "/c") || collection.Check(name) != nil {
		return target{}, errPath
	}
	private, err := logtail.ParsePrivateID(id)
	if err != nil {
		return target{}, errPath
	}
	t := target{collection: name, id: private.Public(), prefix: rest}
	if u.RawQuery == "" {
		return t, nil
	}
	if s := u.Query().Get("copyId"); s != "" {
		private, err := logtail.ParsePrivateID(s)
		if err != nil {
			return target{}, errCopyID
		}
		t.copyID = private.Public()
	}
	return t, nil
}

// cutLast cuts path at its last slash.
func cutLast(path string) (before, last string, ok bool) {
	at := strings.LastIndexByte(path, '/')
	if at < 0 {
		return "", path, false
	}
	return path[:at], path[at+1:], true
}

// fromBrowser reports whether a browser sent the request: with fetch or a form any page
// can. net/http.CrossOriginProtection would let through what calls itself the same site,
// as a page whose name has come to mean this machine does.
func fromBrowser(h http.Header) bool {
	return len(h.Values("Origin")) > 0 || len(h.Values("Sec-Fetch-Site")) > 0
}

// isZstd reports whether the body is compressed. RFC 9110 allows a list of
// encodings; more than one is refused.
func isZstd(h http.Header) (bool, error) {
	values := h.Values("Content-Encoding")
	if len(values) == 0 {
		return false, nil
	}
	switch v := strings.ToLower(strings.TrimSpace(values[0])); {
	case len(values) == 1 && (v == "" || v == "identity"):
		return false, nil
	case len(values) == 1 && v == "zstd":
		return true, nil
	}
	return false, errEncoding
}

// readBody reads the body of r into dst, which it returns also with an error.
func readBody(w http.ResponseWriter, r *http.Request, dst []byte, most int) ([]byte, error) {
	if r.ContentLength > int64(most) {
		return dst, errLargeBody
	}
	body := http.MaxBytesReader(w, r.Body, int64(most))
	for {
		// The length that is announced may never come: grow as the bytes do.
		dst = slices.Grow(dst, 512)
		n, err := body.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case err == io.EOF:
			return dst, nil
		case err == nil:
			continue
		case errors.Is(err, os.ErrDeadlineExceeded):
			return dst, errSlowBody
		}
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return dst, errLargeBody
		}
		return dst, errLength
	}
}

// rightLength reports whether the client's word on the length of the decompressed
// body, where it gave one, is true. Nothing is allocated by it.
func rightLength(h http.Header, n int) bool {
	told := h.Get("Orig-Content-Length")
	return told == "" || told == strconv.Itoa(n)
}
