package main

import (
	"context"
	"errors"
	"time"

	"github.com/go-netlog/netlog/logtail/receiver"
)

// shownSink stores in files, and shows what is stored.
type shownSink struct {
	files  *receiver.Files
	view   *view
	health *health
}

// Store implements [receiver.Sink].
func (s *shownSink) Store(ctx context.Context, b receiver.Batch) error {
	err := s.files.Store(ctx, b)
	switch {
	case err == nil:
		s.health.failed.Store(0)
		s.view.add(b.Entries)
	case !errors.Is(err, receiver.ErrCollections) && !errors.Is(err, context.Canceled): // the client's doing
		s.health.failed.Store(time.Now().UnixNano())
	}
	return err
}
