package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"time"
)

// Timeouts of the server. The receiver has its own for reading a body and for
// storing, both shorter than writeTimeout.
const (
	headerTimeout  = 10 * time.Second
	readTimeout    = 45 * time.Second
	writeTimeout   = 60 * time.Second
	idleTimeout    = 75 * time.Second // nodes that send once a minute keep their connection
	maxHeaderBytes = 16 << 10
	maxConns       = 16 << 10
)

// serveHTTP is not a ServeMux, which answers a path that is not clean with a redirect:
// nodes follow none, and it would repeat the private ID.
func (s *server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/healthz" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		s.serveHealth(w, r)
		return
	}
	s.handler.ServeHTTP(w, r)
}

// newServer returns a server with all its timeouts.
func newServer(h http.Handler, v *view) *http.Server {
	// HTTP/2 has nothing for nodes, and would let a connection hold many requests.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(httpErrors{v}, "", 0),
		Protocols:         protocols,
	}
}

// serveOn serves with TLS where that is configured.
func (s *server) serveOn(srv *http.Server, l net.Listener) error {
	if s.cert == nil {
		return srv.Serve(l)
	}
	srv.TLSConfig = &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			cert := s.cert.get()
			return &cert, nil
		},
	}
	return srv.ServeTLS(l, "", "")
}

// listen listens on the address of a flag, and says what is likely wrong where it
// is taken.
func listen(flag, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		return l, nil
	case !errors.Is(err, errTaken):
		return nil, fmt.Errorf("-%s: %w", flag, err)
	case flag == "addr":
		return nil, fmt.Errorf("%s is taken: another netlog serve may run already. If it is another user's, "+
			"the logs of this machine go to that user; stop it, or choose another -addr", addr)
	}
	return nil, fmt.Errorf("-%s %s is taken: choose another one", flag, addr)
}

// isLoopback reports whether addr can be reached from this machine only.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && loopbackHost(host)
}

// namesLoopback reports whether host, of a request, with a port or without, means this
// machine whoever is asked.
func namesLoopback(host string) bool {
	name := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return isLoopback(host) || loopbackHost(name)
}

// loopbackHost reports whether host is this machine.
func loopbackHost(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// httpErrors takes what the HTTP server complains about. Failed handshakes are left
// out: every scanner of the internet causes some.
type httpErrors struct{ v *view }

func (w httpErrors) Write(p []byte) (int, error) {
	if s := strings.TrimSpace(string(p)); !strings.HasPrefix(s, "http: TLS handshake error") {
		w.v.say("%s", s)
	}
	return len(p), nil
}
