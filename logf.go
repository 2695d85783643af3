package netlog

import "time"

// report passes each distinct fault and each recovery to Logf once.
func (s *session) report(err error) {
	now := time.Now()
	if err == nil {
		if _, recovered := s.faults.Success(now); recovered {
			s.say("netlog: records are queued again")
		}
		return
	}
	if text := err.Error(); s.faults.Fault(now, 0, text) {
		s.say("netlog: a record was dropped: %s", text)
	}
}

// say passes a line to Logf, from the goroutine or the uploader.
func (s *session) say(format string, args ...any) {
	if s.logf != nil && !s.abandoned.Load() {
		s.logf(format, args...)
	}
}
