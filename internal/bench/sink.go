package main

import (
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// sink is the HTTP transport of a benchmark: it reads each body to its end,
// counts it, and answers 200 at once, so that no server is measured.
type sink struct {
	mu    sync.Mutex // guards the fields below
	sum   received
	space []byte
}

// received is what a sink has received.
type received struct {
	requests int
	wire     int       // bytes of the bodies as they were sent
	plain    int       // and before compression
	last     time.Time // when the last body had been read
}

func (s *sink) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.drain(r.Body)
	if err != nil {
		return nil, err
	}
	plain, err := strconv.Atoi(r.Header.Get("Orig-Content-Length"))
	if err != nil {
		plain = n // not compressed
	}
	s.sum.requests++
	s.sum.wire += n
	s.sum.plain += plain
	s.sum.last = time.Now()
	return &http.Response{
		StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1,
		Body: http.NoBody, Request: r,
	}, nil
}

func (s *sink) drain(body io.ReadCloser) (n int, err error) {
	defer body.Close()
	if s.space == nil {
		s.space = make([]byte, 64<<10)
	}
	for {
		m, err := body.Read(s.space)
		n += m
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// received returns what came until now.
func (s *sink) received() received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sum
}
