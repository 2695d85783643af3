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

// target is the parsed URL of a request.
type target struct {
	collection string
	id, copyID logtail.PublicID
	prefix     string // of the path, up to and with "/c"
}

// parseTarget parses the query and the last three elements of the path. The path may have any
// prefix.
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

// fromBrowser reports whether a browser sent the request. Any web page can make a browser send
// one. net/http.CrossOriginProtection is not enough: it accepts requests from the same site, and
// DNS rebinding makes any page one of the same site.
func fromBrowser(h http.Header) bool {
	return len(h.Values("Origin")) > 0 || len(h.Values("Sec-Fetch-Site")) > 0
}

// isZstd reports whether the body is compressed. It refuses lists of encodings, although RFC 9110
// allows them.
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

// lengthMatches reports whether n is the length in Orig-Content-Length, or there is no such header.
// n is the length of the decompressed body.
func lengthMatches(h http.Header, n int) bool {
	want := h.Get("Orig-Content-Length")
	return want == "" || want == strconv.Itoa(n)
}
