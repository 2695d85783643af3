package main

import (
	"fmt"
	"net"

	"github.com/go-netlog/netlog/internal/flowtable"
)

// announce tells what is served, and how long it is kept.
func (s *server) announce(addr net.Addr) {
	scheme := "http"
	if s.cert != nil {
		scheme = "https"
	}
	s.view.headline = flowtable.Clean(fmt.Sprintf("netlog serve: %s://%s, storing in %s", scheme, addr, s.cfg.dir))
	s.view.say("%s", s.view.headline)
	kept, size := "for ever", "without a bound on their size"
	if s.cfg.maxAge > 0 {
		kept = "for " + s.cfg.maxAge.words()
	}
	if s.cfg.maxSize > 0 {
		size = "up to " + s.cfg.maxSize.words()
	}
	s.view.say("netlog serve: entries are kept %s, %s; the oldest go first", kept, size)
	if err := s.files.Check(); err != nil {
		s.view.say("netlog serve: nothing can be stored now: %v", err)
	}
	s.access.tellNoToken()
	if isLoopback(s.cfg.addr) {
		return
	}
	if s.access.tokens == nil {
		s.view.say("netlog serve: without -tokens, everyone who reaches it can send logs")
	}
	if s.cert == nil {
		s.view.say("netlog serve: without TLS, the network can read logs, tokens and private IDs")
	}
}
