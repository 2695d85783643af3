package page

import (
	"context"
	"iter"

	"github.com/go-netlog/netlog/logtail/receiver"
)

// Sink returns a Sink that stores in s, and adds what was stored to p.
func (p *Page) Sink(s receiver.Sink) receiver.Sink { return sink{s, p} }

type sink struct {
	receiver.Sink
	page *Page
}

// Store implements [receiver.Sink].
func (s sink) Store(ctx context.Context, b receiver.Batch) error {
	err := s.Sink.Store(ctx, b)
	if err == nil {
		s.page.Add(b.Entries)
	}
	return err
}

// Recent implements [receiver.Recaller]. It returns no entries if the Sink cannot read them.
func (s sink) Recent(maxBytes int64) iter.Seq2[string, []byte] {
	if r, ok := s.Sink.(receiver.Recaller); ok {
		return r.Recent(maxBytes)
	}
	return func(func(string, []byte) bool) {}
}
