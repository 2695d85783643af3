package spool

import "github.com/go-netlog/netlog/logtail"

// Stats implements [logtail.Buffer]. Bytes counts the held entries with 8 bytes
// each for their frames. The files can be larger, as they also hold delivered
// entries until their whole segment can go; MaxBytes bounds the files.
//
// Dropped counts begin anew with Open and with each Claim but the first: entries that
// were the oldest in a full spool, or that Open or Peek found missing or damaged;
// their bytes are an estimate then. What a power cut took from the end of the
// newest segment leaves no trace to be counted by.
func (s *Spool) Stats() logtail.BufferStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Claim implements [logtail.Claimer]: the Spool serves one Logger at a time, of
// its owner only.
func (s *Spool) Claim(owner logtail.PublicID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case owner != s.owner:
		return logtail.ErrBufferOwner
	case s.claimed:
		return logtail.ErrBufferInUse
	}
	if s.served { // what was lost until then was told by the Logger before
		s.stats.DroppedEntries, s.stats.DroppedBytes = 0, 0
	}
	s.claimed, s.served = true, true
	return nil
}

// Release implements [logtail.Claimer].
func (s *Spool) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claimed = false
}

// publish brings the counts that Stats returns up to date, with what was lost.
func (s *Spool) publish(lost uint64, lostBytes int64) {
	entries, bytes := s.held()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Entries, s.stats.Bytes = int(entries), bytes
	s.stats.DroppedEntries += lost
	s.stats.DroppedBytes += uint64(max(lostBytes, 0))
}
