package receiver

import (
	"bytes"
	"compress/gzip"
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

// coding is how a body is compressed.
type coding uint8

const (
	identity coding = iota // not at all
	zstdCoding
	gzipCoding
)

// codingOf returns the coding of the body. It refuses lists of codings, although RFC 9110 allows
// them.
func codingOf(h http.Header) (coding, error) {
	values := h.Values("Content-Encoding")
	if len(values) == 0 {
		return identity, nil
	}
	if len(values) == 1 {
		switch strings.ToLower(strings.TrimSpace(values[0])) {
		case "", "identity":
			return identity, nil
		case "zstd":
			return zstdCoding, nil
		case "gzip", "x-gzip": // the same, by RFC 9110, section 8.4.1.3
			return gzipCoding, nil
		}
	}
	return identity, errEncoding
}

// readBody appends the body of r to dst. It also returns dst with an error.
func readBody(w http.ResponseWriter, r *http.Request, dst []byte, most int) ([]byte, error) {
	if r.ContentLength > int64(most) {
		return dst, errLargeBody
	}
	body := http.MaxBytesReader(w, r.Body, int64(most))
	for {
		var err error
		dst, err = readSome(dst, body) // do not trust Content-Length: grow as the bytes arrive
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

// readSome appends to dst what one Read of r returns. It also returns dst with an error.
func readSome(dst []byte, r io.Reader) ([]byte, error) {
	dst = slices.Grow(dst, 512)
	n, err := r.Read(dst[len(dst):cap(dst)])
	return dst[:len(dst)+n], err
}

// gunzipper decompresses one body after another in the same memory, about 45 kB. The zero
// gunzipper is ready to use.
type gunzipper struct {
	src    bytes.Reader
	reader gzip.Reader
}

// append appends the decompressed body to dst. It also returns dst with an error. If the body has
// more than most bytes, it ends soon after them.
func (g *gunzipper) append(dst, body []byte, most int) ([]byte, error) {
	g.src.Reset(body)
	defer func() { // g is reused, and must not keep the body in memory
		g.src.Reset(nil)
		g.reader.Header = gzip.Header{}
	}()
	if err := g.reader.Reset(&g.src); err != nil {
		return dst, errGzip
	}
	for {
		var err error
		dst, err = readSome(dst, &g.reader)
		switch {
		case len(dst) > most:
			return dst, errLargeBody
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return dst, errGzip
		}
	}
}

// lengthMatches reports whether n is the length in Orig-Content-Length, or there is no such header.
// n is the length of the decompressed body.
func lengthMatches(h http.Header, n int) bool {
	want := h.Get("Orig-Content-Length")
	return want == "" || want == strconv.Itoa(n)
}
