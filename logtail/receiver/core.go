package receiver

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/logtail"
)

// maxWindow is the largest zstd window that a frame may ask for, as in RFC 9659.
const maxWindow = 8 << 20 // bytes

// core is the state of a Handler.
type core struct {
	// The fields below are immutable after newCore.
	sink      Sink
	permit    func(r *http.Request, collection string, id logtail.PublicID) error // Handler.Authorize; may be nil
	logf      func(format string, args ...any)                                    // may be nil
	limits    Limits
	decoder   *zstd.Decoder // for DecodeAll only, which starts no goroutines
	seed      maphash.Seed
	nodes     *nodes
	admission *admission
	unpacking chan struct{} // holds a token for each request between decompression and the end of Store

	recalled sync.Once // guards the call of recall, before the first request
	count    counters
	works    sync.Pool // of *work

	// mu guards the fields below.
	mu      sync.Mutex
	failing string // the last error of the Sink, or "" if it works
}

// newCore returns the state of h.
func newCore(h *Handler) *core {
	l := h.Limits.withDefaults()
	atOnce := max(4, 2*runtime.GOMAXPROCS(0))
	decoder, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(atOnce),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow),
		// With a bound below the window, a small body would be refused if its frame
		// has a large window. The exact bound is checked after decompression.
		zstd.WithDecoderMaxMemory(uint64(max(l.MaxDecodedBytes, maxWindow))))
	if err != nil {
		panic(err) // none of the options depends on the caller
	}
	return &core{
		sink: h.Sink, permit: h.Authorize, logf: h.Logf, limits: l,
		decoder:   decoder,
		seed:      maphash.MakeSeed(),
		nodes:     newNodes(l, time.Now()),
		admission: newAdmission(l.MaxRequests),
		unpacking: make(chan struct{}, atOnce),
		works:     sync.Pool{New: func() any { return new(work) }},
	}
}

// accept handles a request. If it returns nil, the answer is 200.
func (c *core) accept(w http.ResponseWriter, r *http.Request) error {
	t, err := parseTarget(r.URL)
	if err != nil {
		return err
	}
	if r.Method != http.MethodPost {
		return errMethod
	}
	if fromBrowser(r.Header) {
		return errBrowser
	}
	coding, err := codingOf(r.Header)
	if err != nil {
		return err
	}
	if err := c.authorize(r, t); err != nil {
		return err
	}
	wait, known := c.nodes.overQuota(t.id, time.Now())
	if wait > 0 {
		return overQuota(wait)
	}
	adm, err := c.admission.admit(t.id, r.RemoteAddr, known)
	if err != nil {
		return err
	}
	k := c.works.Get().(*work)
	k.target, k.admitted, k.coding = t, adm, coding
	if err := c.read(w, r, k); err != nil {
		c.release(k)
		return err
	}
	return c.process(r, k)
}

// read reads the body into k.
func (c *core) read(w http.ResponseWriter, r *http.Request, k *work) error {
	// The Handler sets a deadline because the server may have none. If the connection does
	// not support that, the deadline of the server applies.
	rc := http.NewResponseController(w)
	deadline := rc.SetReadDeadline(time.Now().Add(c.limits.ReadTimeout))
	var err error
	k.wire, err = readBody(w, r, k.wire[:0], c.limits.MaxBodyBytes)
	if deadline == nil && err == nil {
		rc.SetReadDeadline(time.Time{}) // the server sets its own for the next request
	}
	k.received = time.Now()
	return err
}

// process decompresses and stores the body of k, and releases k.
func (c *core) process(r *http.Request, k *work) error {
	ctx, cancel := context.WithTimeout(r.Context(), c.limits.StoreTimeout)
	defer cancel()
	if err := c.await(ctx, k); err != nil {
		c.release(k)
		return err
	}
	if err := c.unpack(r, k); err != nil || len(k.entries) == 0 {
		c.finish(k, nil)
		return err
	}
	return c.store(ctx, k)
}

// await waits until the body of k may be decompressed. It waits for other requests of the node
// first, so that a slow node holds at most one token of unpacking.
func (c *core) await(ctx context.Context, k *work) error {
	select {
	case k.admitted.turn <- struct{}{}:
	case <-ctx.Done():
		return errNodeBusy
	}
	select {
	case c.unpacking <- struct{}{}:
		return nil
	case <-ctx.Done():
		<-k.admitted.turn
		return errBusy
	}
}

// store passes the batch of k to the Sink and waits for it until ctx ends.
func (c *core) store(ctx context.Context, k *work) error {
	// A Sink may hang on a disk and ignore ctx. The request ends in time nevertheless. The
	// goroutine holds the memory, the turn of the node and the token of unpacking until
	// Store returns, so the number of such goroutines is bounded.
	result := make(chan error, 1)
	go func() {
		err := callStore(ctx, c.sink, k.batch())
		c.finish(k, err)
		result <- err
	}()
	select {
	case err := <-result:
		if p, ok := errors.AsType[*sinkPanic](err); ok {
			panic(p)
		}
		switch {
		case err == nil:
			return nil
		case errors.Is(err, ErrCollections):
			return errManyCollections
		}
		return errSink
	case <-ctx.Done():
		c.report(ctx.Err())
		return errSlowSink
	}
}

// sinkPanic carries a panic of the Sink to the goroutine of the request, where the server handles
// it like any other.
type sinkPanic struct {
	value any
	stack []byte
}

func (p *sinkPanic) Error() string { return fmt.Sprintf("%v\n%s", p.value, p.stack) }

// callStore calls Store and turns a panic into an error.
func callStore(ctx context.Context, sink Sink, b Batch) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &sinkPanic{v, debug.Stack()}
		}
	}()
	return sink.Store(ctx, b)
}

// report logs the result of Store if it differs from the one before. It ignores errors that
// clients can cause at will.
func (c *core) report(err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, ErrCollections) {
		return
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	c.mu.Lock()
	changed := text != c.failing
	c.failing = text
	c.mu.Unlock()
	switch {
	case !changed || c.logf == nil:
	case err != nil:
		c.logf("receiver: cannot store: %v", err)
	default:
		c.logf("receiver: storing works again")
	}
}
