package serve

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/logtail/receiver"
)

// announce prints what is served, and which files are removed. ui is nil if there is no page.
func (s *server) announce(addr net.Addr, ui net.Listener) {
	s.view.headline = flowtable.Clean(fmt.Sprintf("netlog serve: %s, storing in %s", s.url(addr), s.cfg.dir))
	s.view.say("%s", s.view.headline)
	var removed []string
	if s.cfg.maxAge > 0 {
		removed = append(removed, "the files of a day (UTC) "+s.cfg.maxAge.Words()+" after its end")
	}
	if s.cfg.maxSize > 0 {
		removed = append(removed, "the oldest files beyond "+s.cfg.maxSize.Words())
	}
	if removed == nil {
		removed = []string{"nothing"}
	}
	s.view.say("netlog serve: removes %s", strings.Join(removed, ", and "))
	if err := s.files.Check(); err != nil {
		s.view.say("netlog serve: nothing can be stored now: %v", err)
	}
	s.access.warnNoToken()
	isOpen := !isLoopback(s.cfg.addr)
	if isOpen && s.access.tokens == nil {
		s.view.say("netlog serve: without -tokens, everyone who reaches it can send logs")
	}
	if isOpen && s.cert == nil {
		s.view.say("netlog serve: without TLS, the network can read logs, tokens and private IDs")
	}
	if ui != nil {
		s.view.say("netlog serve: look at the traffic at http://%s/", ui.Addr())
	}
}

// sayStopped prints the totals at the end.
func (s *server) sayStopped() {
	st := s.handler.Stats()
	s.view.say("netlog serve: stopped; stored %s of %s, refused %s", flowtable.Plural(st.Stored, "entry"),
		flowtable.Plural(st.Nodes, "node"), flowtable.Plural(refused(st), "request"))
}

// refusedEvery is the interval at which refused requests are reported.
const refusedEvery = time.Minute

// refusal is the number of requests refused for one reason.
type refusal struct {
	why string
	n   uint64
}

// refusals returns all reasons with their numbers.
func refusals(st receiver.Stats) []refusal {
	return []refusal{
		{"malformed", st.Malformed}, {"too_large", st.TooLarge}, {"forbidden", st.Forbidden},
		{"over_quota", st.OverQuota}, {"unavailable", st.Unavailable}, {"other", st.OtherErrors},
	}
}

// refused returns the number of requests that were not answered 200.
func refused(st receiver.Stats) (n uint64) {
	for _, r := range refusals(st) {
		n += r.n
	}
	return n
}

// refusedSince describes the requests refused between two moments, or returns "". It
// names the last node only, so that clients cannot fill a log.
func refusedSince(was, is receiver.Stats, last string) string {
	if refused(is) == refused(was) {
		return ""
	}
	var why []string
	before := refusals(was)
	for n, r := range refusals(is) {
		if d := r.n - before[n].n; d > 0 {
			why = append(why, fmt.Sprintf("%d %s", d, strings.ReplaceAll(r.why, "_", " ")))
		}
	}
	if last != "" {
		last = "; the last one forbidden: " + last
	}
	return fmt.Sprintf("%s refused in the last minute: %s%s", flowtable.Plural(refused(is)-refused(was), "request"), strings.Join(why, ", "), last)
}

// maxWaiting limits the lines that wait until the table is gone.
const maxWaiting = 200

// say prints a line for the operator, without control characters. If the table is drawn
// on the same terminal, the line is shown in the head of the table and printed when the
// table is gone.
func (v *view) say(format string, args ...any) {
	text := flowtable.Clean(fmt.Sprintf(format, args...))
	v.mu.Lock()
	v.message = text
	wait := v.drawing && !v.ownErr
	if wait {
		if len(v.waiting) == maxWaiting {
			v.waiting = slices.Delete(v.waiting, 0, 1)
			v.unsaid++
		}
		v.waiting = append(v.waiting, text)
	}
	v.mu.Unlock()
	if !wait {
		fmt.Fprintln(v.stderr, text)
	}
}

// startDrawing switches to the alternate screen.
func (v *view) startDrawing() {
	v.mu.Lock()
	v.drawing = true
	v.mu.Unlock()
	fmt.Fprint(v.stdout, enterScreen)
}

// stopDrawing restores the screen and prints the waiting lines.
func (v *view) stopDrawing() {
	fmt.Fprint(v.stdout, leaveScreen)
	v.mu.Lock()
	lines, unsaid := v.waiting, v.unsaid
	v.drawing, v.waiting, v.unsaid = false, nil, 0
	v.mu.Unlock()
	if unsaid > 0 {
		fmt.Fprintf(v.stderr, "netlog serve: %s before these\n", flowtable.Plural(unsaid, "more line"))
	}
	for _, l := range lines {
		fmt.Fprintln(v.stderr, l)
	}
}

// sayRefused prints what was refused between was and is, and returns is.
func (v *view) sayRefused(was, is receiver.Stats) receiver.Stats {
	last := ""
	if v.denied != nil {
		last = v.denied()
	}
	if s := refusedSince(was, is, last); s != "" {
		v.say("netlog serve: %s", s)
	}
	return is
}
