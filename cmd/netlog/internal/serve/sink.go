package serve

import (
	"context"
	"errors"
	"iter"

	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/page"
)

// shownSink stores entries in files and shows them.
type shownSink struct {
	files  *filestore.Store
	view   *view
	page   *page.Page // may be nil
	health *health
	access *access // records what is denied here
}

// Store implements [receiver.Sink].
func (s *shownSink) Store(ctx context.Context, b receiver.Batch) error {
	err := s.files.Store(ctx, b)
	switch {
	case err == nil:
		s.health.stored()
		s.view.add(b.Entries)
		if s.page != nil {
			s.page.Add(b.Entries)
		}
	case errors.Is(err, receiver.ErrCollections): // the fault of the client
		s.access.deny(b.ID, b.Collection, err)
	case !errors.Is(err, context.Canceled):
		s.health.fail()
	}
	return err
}

// Recent implements [receiver.Recaller].
func (s *shownSink) Recent(maxBytes int64) iter.Seq2[string, []byte] { return s.files.Recent(maxBytes) }
