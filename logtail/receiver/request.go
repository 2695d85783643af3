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

// target is the content of the URL of a request.
type target struct {
	collection string
	id, copyID logtail.PublicID
	prefix     string // of the path, up to and with "/c"
}

// parseTarget parses the last three elements of the path, which may have any prefix, and the
// query.
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

// cutLast cuts path at the last slash.
func cutLast(path string) (before, last string, ok bool) {
	at := strings.LastIndexByte(path, '/')
	if at < 0 {
		return "", path, false
	}
	return path[:at], path[at+1:], true
}

// fromBrowser reports whether a browser sent the request, which any web page can make it do.
// net/http.CrossOriginProtection would accept requests from the same site, which a page can be by
// DNS rebinding.
func fromBrowser(h http.Header) bool {
	return len(h.Values("Origin")) > 0 || len(h.Values("Sec-Fetch-Site")) > 0
}

// isZstd reports whether the body is compressed. It refuses a list of encodings, which RFC 9110
// allows.
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

// readBody appends the body of r to dst. It also returns dst with an error.
func readBody(w http.ResponseWriter, r *http.Request, dst []byte, most int) ([]byte, error) {
	if r.ContentLength > int64(most) {
		return dst, errLargeBody
	}
	body := http.MaxBytesReader(w, r.Body, int64(most))
	for {
		// Do not trust Content-Length: grow as the bytes arrive.
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

// rightLength reports whether a decompressed body of n bytes has the length that the client gave, if
// it gave one.
func rightLength(h http.Header, n int) bool {
	told := h.Get("Orig-Content-Length")
	return told == "" || told == strconv.Itoa(n)
}
