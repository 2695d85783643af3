package logtail

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-netlog/netlog/internal/scrub"
)

const (
	attemptTimeout = 45 * time.Second
	freeSize       = 128 << 10       // bytes that attemptTimeout suffices for on the slowest link
	slowestLink    = 8 << 10         // bytes per second; larger bodies get more time
	replyTimeout   = 5 * time.Second // for the body of an answer
	maxReply       = 4 << 10         // bytes read of the body of an answer, and used of the text of an error
	maxEcho        = 200             // bytes shown of a text of the server or of net/http
)

// NewTransport returns a transport like the one that a Logger uses if its Config has no HTTPClient.
// It is for callers who need other TLS roots, another dialer or another proxy.
//
// The transport uses HTTP/1.1 only: a connection that stops responding is then closed with its
// request, while HTTP/2 would continue to use it. It keeps one idle connection for 90 s, does not
// decompress, requires TLS 1.2 or newer, reads at most 64 KiB of response headers, and uses
// [http.ProxyFromEnvironment]. Its TLSClientConfig is not nil. After Shutdown, the caller may close
// the idle connection with CloseIdleConnections.
func NewTransport() *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		DisableCompression:     true,
		MaxIdleConns:           1,
		MaxIdleConnsPerHost:    1,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		Protocols:              &protocols,
	}
}

// sender makes one request at a time. Other structs hold it by pointer, so that fmt does not print
// its secrets.
type sender struct {
	transport http.RoundTripper
	own       *http.Transport // the transport, if we must close it
	timeout   time.Duration   // of the caller's client, or 0
	request   http.Request    // the common parts of all requests
	coding    []string        // the value of Content-Encoding
	scrub     *scrub.Scrubber
}

func newSender(cfg *Config, upload *url.URL) *sender {
	s := &sender{coding: []string{"zstd"}, scrub: newScrubber(cfg, upload)}
	if cfg.Gzip {
		s.coding = []string{"gzip"}
	}
	if c := cfg.HTTPClient; c != nil {
		s.transport, s.timeout = c.Transport, c.Timeout
	}
	if s.transport == nil {
		s.own = NewTransport()
		s.transport = s.own
	}
	contentType := "application/json"
	if cfg.Encoding == NDJSON {
		contentType = "application/x-ndjson"
	}
	header := http.Header{
		"Content-Type": {contentType},
		"User-Agent":   {""}, // not sent
	}
	for name, values := range cfg.Header {
		header[http.CanonicalHeaderKey(name)] = append([]string(nil), values...)
	}
	s.request = http.Request{
		Method: http.MethodPost, URL: upload, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	return s
}

// origin returns the part of the upload URL that is not secret.
func (s *sender) origin() string { return origin(s.request.URL.String()) }

// closeIdle closes the idle connections of our own transport.
func (s *sender) closeIdle() {
	if s.own != nil {
		s.own.CloseIdleConnections()
	}
}

// answer is the result of a request.
type answer struct {
	status int           // 0 if there was no answer
	asked  time.Duration // the result of retryAfter
	err    error         // the error, without secrets; nil for 2xx
}

// send posts body. It uses only the transport of a client, so that redirects are not followed
// (net/http would send the body, and a Referer with the private ID, to another host) and cookies
// are not kept.
func (s *sender) send(ctx context.Context, body []byte, size int, compressed bool) answer {
	ctx, cancel := context.WithTimeout(ctx, s.attemptTimeout(len(body)))
	defer cancel()
	resp, err := s.transport.RoundTrip(s.newRequest(ctx, body, size, compressed))
	if err != nil {
		return answer{err: s.clean(err)}
	}
	return s.read(ctx, resp, cancel)
}

// newRequest returns a request with a copy of body, since a transport may go on reading the
// body after RoundTrip has returned. URL and header are copies too, which a transport of
// the caller may change.
func (s *sender) newRequest(ctx context.Context, body []byte, size int, compressed bool) *http.Request {
	own := &struct { // what a request does not share with others, in one allocation
		url  url.URL
		size [1]string
		body bodyReader
	}{url: *s.request.URL}
	req := s.request.WithContext(ctx)
	req.URL = &own.url
	req.Header = maps.Clone(req.Header)
	if compressed {
		req.Header["Content-Encoding"] = s.coding
		own.size[0] = strconv.Itoa(size)
		req.Header["Orig-Content-Length"] = own.size[:]
	}
	body = bytes.Clone(body)
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return &bodyReader{*bytes.NewReader(body)}, nil }
	own.body.Reset(body)
	req.Body = &own.body
	return req
}

// bodyReader is a bytes.Reader with a Close method that does nothing.
type bodyReader struct{ bytes.Reader }

func (*bodyReader) Close() error { return nil }

func (s *sender) attemptTimeout(size int) time.Duration {
	d := attemptTimeout + time.Duration(max(0, size-freeSize)/slowestLink)*time.Second
	if s.timeout > 0 {
		d = min(d, s.timeout)
	}
	return d
}

// read converts resp to an answer. cancel ends ctx, the context of the request.
func (s *sender) read(ctx context.Context, resp *http.Response, cancel func()) answer {
	var text []byte
	var err error
	late := false
	// The body of a 101 is the connection itself, which ctx does not end.
	if resp.StatusCode != http.StatusSwitchingProtocols && resp.Body != http.NoBody {
		// A slow body must not delay the next request, since the status is known.
		timer := time.AfterFunc(replyTimeout, cancel)
		text, err = io.ReadAll(io.LimitReader(resp.Body, maxReply))
		late = ctx.Err() != nil
		timer.Stop()
	}
	resp.Body.Close()

	a := answer{status: resp.StatusCode}
	if a.status >= 200 && a.status < 300 {
		if err != nil && !late {
			// An incomplete response (RFC 9112, section 8) is not an answer.
			return answer{err: s.clean(err)}
		}
		return a
	}
	a.asked = retryAfter(resp.Header)
	a.err = s.refusal(resp.StatusCode, text)
	return a
}

// refusal returns the error of an answer that is not 2xx.
func (s *sender) refusal(status int, text []byte) error {
	echo := s.excerpt(string(bytes.TrimSpace(text)))
	what := fmt.Sprintf("the server answers %d", status)
	if name := http.StatusText(status); name != "" {
		what += " " + name
	}
	if echo != "" {
		what += fmt.Sprintf(": %+q", echo)
	}
	return errors.New(what)
}

// excerpt returns the beginning of a text of the server or of net/http, or "[hidden]".
func (s *sender) excerpt(text string) string {
	// Scrub before cutting, or a part of a secret would not be recognized.
	text = s.scrub.Text(text[:min(len(text), maxReply)])
	return text[:min(len(text), maxEcho)]
}

// clean returns an error with the text of err, without secrets. It does not wrap err, because a
// *url.Error and the errors inside may contain the whole URL. It quotes a text with special
// characters, because the other end chooses status lines, reasons and names in certificates.
func (s *sender) clean(err error) error {
	for {
		ue, ok := errors.AsType[*url.Error](err)
		if !ok {
			break
		}
		err = ue.Err
	}
	text := s.excerpt(err.Error())
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		text = fmt.Sprintf("%+q", text)
	}
	return errors.New(cmp.Or(text, "unknown error"))
}
