package logtail

import (
	"bytes"
	"io"
	"net/url"
	"sync/atomic"
)

// exchange is the part of a request that it has alone, in one piece of memory.
type exchange struct {
	url     url.URL
	body    []byte
	size    [1]string    // the value of Orig-Content-Length
	readers atomic.Int32 // of body, that the transport has not closed
}

// open returns body for the transport, which asks again where a connection turns
// out to be dead.
func (x *exchange) open() (io.ReadCloser, error) {
	x.readers.Add(1)
	return &bodyReader{Reader: *bytes.NewReader(x.body), of: x}, nil
}

// inUse reports whether the transport may be reading body still.
func (x *exchange) inUse() bool { return x.readers.Load() != 0 }

// bodyReader reads a body for the transport, which may go on after RoundTrip has
// returned, until it calls Close.
type bodyReader struct {
	bytes.Reader
	of     *exchange
	closed atomic.Bool
}

func (r *bodyReader) Close() error {
	if r.closed.CompareAndSwap(false, true) {
		r.of.readers.Add(-1)
	}
	return nil
}
