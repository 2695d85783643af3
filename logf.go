package netlog

import "time"

// report passes each distinct fault and each recovery to Logf once.
func (s *session) report(err error) {
	now := time.Now()
	if err == nil {
		if _, recovered := s.faults.Success(now); recovered {
			s.logf("netlog: records are queued again")
		}
		return
	}
	if text := err.Error(); s.faults.Fault(now, 0, text) {
		s.logf("netlog: a record was dropped: %s", text)
	}
}

// logf passes a line to Logf, from the goroutine or the uploader.
func (s *session) logf(format string, args ...any) {
	if s.userLogf != nil && !s.abandoned.Load() {
		s.userLogf(format, args...)
	}
}
