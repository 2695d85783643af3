package serve

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"
)

// connKey is the key of the conn in the context of a request.
type connKey struct{}

// withConn is the ConnContext of a server that serves a connLimiter, with TLS or without.
func withConn(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return context.WithValue(ctx, connKey{}, c)
}

// restTimeout limits how long the rest of the body of a refused request is read. A client
// that is still sending would not see the answer if the connection were closed at once.
const restTimeout = 2 * time.Second

// keepAccepted returns a handler that calls h, and closes the connection after every answer
// other than 200 to a POST. So a connection can only be idle after an accepted request.
func keepAccepted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := r.Context().Value(connKey{}).(*conn)
		c.set(nil, true)
		next := &c.limiter.new
		defer func() { c.set(next, false) }()
		w.Header().Set("Connection", "close")
		r.Body = &body{r.Body, c}
		h.ServeHTTP(&answer{w, func(code int) {
			if code == http.StatusOK && r.Method == http.MethodPost {
				w.Header().Del("Connection")
				next = &c.limiter.idle
				return
			}
			http.NewResponseController(w).SetReadDeadline(time.Now().Add(restTimeout))
		}}, r)
	})
}

// answer is a ResponseWriter that calls a function with the status code before it is written.
type answer struct {
	http.ResponseWriter
	before func(code int)
}

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(code int) {
	a.before(code)
	a.ResponseWriter.WriteHeader(code)
}

// Unwrap returns the ResponseWriter for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// body is the body of a request. Its conn learns when it has arrived.
type body struct {
	io.ReadCloser
	c *conn
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.c.set(nil, false)
	}
	return n, err
}
