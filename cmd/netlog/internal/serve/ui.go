package serve

import (
	"net"
	"net/http"

	"github.com/go-netlog/netlog/logtail/receiver/page"
)

const defaultUI = "127.0.0.1:8642"

// listenUI listens on the address of the page. It returns nil if there is none. If the
// default address cannot be used, nodes are served without a page.
func (s *server) listenUI() (net.Listener, error) {
	if s.cfg.ui == "off" {
		return nil, nil
	}
	l, err := listen("ui", s.cfg.ui)
	if err != nil && s.cfg.ui == defaultUI {
		s.view.say("netlog serve: there is no page: %v", err)
		return nil, nil
	}
	return l, err
}

// newPage returns the page. addr is where nodes send.
func (s *server) newPage(addr net.Addr) *page.Page {
	return page.New(page.Options{Dir: s.cfg.dir, Name: s.access.name, Problem: s.problem, Collector: s.url(addr)})
}

// url returns the base URL of the collector.
func (s *server) url(addr net.Addr) string {
	if s.cert != nil {
		return "https://" + addr.String()
	}
	return "http://" + addr.String()
}

// problem says why nothing can be stored, or returns "".
func (s *server) problem() string {
	if err := s.files.Check(); err != nil {
		return "nothing can be stored now: " + err.Error()
	}
	if s.health.failing() {
		return "the last batch could not be stored; see what netlog serve prints"
	}
	return ""
}

// serveUI answers requests for the page and /metrics.
func (s *server) serveUI(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/metrics" {
		s.serveMetrics(w, r)
		return
	}
	s.page.ServeHTTP(w, r)
}
