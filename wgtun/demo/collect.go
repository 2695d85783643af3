package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/page"
)

// book holds the received records.
type book struct {
	mu      sync.Mutex // guards the fields below
	names   map[logtail.PublicID]string
	records map[string][]*netlog.Message // by node
}

func newBook() *book {
	return &book{names: make(map[logtail.PublicID]string), records: make(map[string][]*netlog.Message)}
}

// expect sets the node of an ID. A record belongs to the node whose ID the receiver saw; the name inside the
// record is only a claim.
func (b *book) expect(id logtail.PublicID, name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.names[id] = name
}

// Store implements [receiver.Sink].
func (b *book) Store(_ context.Context, batch receiver.Batch) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := b.names[batch.ID]
	for _, entry := range batch.Entries {
		m := new(netlog.Message)
		if err := json.Unmarshal(entry, m); err != nil {
			return err
		}
		b.records[name] = append(b.records[name], m)
	}
	return nil
}

// add adds a record under the name inside.
func (b *book) add(m *netlog.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records[m.NodeID] = append(b.records[m.NodeID], m)
}

// of returns the records of a node.
func (b *book) of(name string) []*netlog.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.records[name]
}

// collector is a server on the loopback interface: an embedded receiver, or a page.
type collector struct {
	url    string
	server *http.Server
	done   chan struct{}
}

// collect starts a receiver unless opts has the URL of another collector, and a page if opts asks for
// one. It sets their URLs in opts. The caller must call end.
func collect(opts *options, seen *book) (end func(), err error) {
	if opts.url != "" {
		return func() {}, nil
	}
	sink, endPage := receiver.Sink(seen), func() {}
	if opts.page {
		page, err := startPage()
		if err != nil {
			return nil, err
		}
		sink, endPage = page.page.Sink(nowhere{}), page.close
		opts.look = page.url + "/"
	}
	c, err := startServer(&receiver.Handler{Sink: sink})
	if err != nil {
		endPage()
		return nil, err
	}
	opts.url, opts.embedded = c.url, true
	return func() { c.close(); endPage() }, nil
}

// startServer serves handler on a free port.
func startServer(handler http.Handler) (*collector, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &collector{
		url:    "http://" + listener.Addr().String(),
		server: &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second},
		done:   make(chan struct{}),
	}
	go func() {
		defer close(c.done)
		c.server.Serve(listener)
	}()
	return c, nil
}

func (c *collector) close() {
	c.server.Close()
	<-c.done
}

// nowhere is a sink that stores nothing: a page keeps what it shows.
type nowhere struct{}

// Store implements [receiver.Sink].
func (nowhere) Store(context.Context, receiver.Batch) error { return nil }

// shown is a page that is served on the loopback interface.
type shown struct {
	collector
	page *page.Page
}

func startPage() (*shown, error) {
	p := page.New(page.Options{})
	c, err := startServer(p)
	if err != nil {
		p.Close()
		return nil, err
	}
	return &shown{*c, p}, nil
}

func (s *shown) close() {
	s.page.Close()
	s.collector.close()
}
