// Package metrics writes metrics in the text format of Prometheus, version 0.0.4.
package metrics

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-netlog/netlog/internal/buildinfo"
)

// ContentType is the type of a Text.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Text is a list of metrics. The zero Text is empty. It is not safe for concurrent use.
type Text struct {
	buf  bytes.Buffer
	last string // the name of the last metric
}

// Bytes returns the list. It is valid until the next call.
func (t *Text) Bytes() []byte { return t.buf.Bytes() }

// Counter adds a number that only grows. labels are alternating names and values. The calls for one metric
// with different labels must follow each other.
func (t *Text) Counter(name, help string, value float64, labels ...string) {
	t.add(name, "counter", help, value, labels)
}

// Gauge is like Counter for a number that may also decrease.
func (t *Text) Gauge(name, help string, value float64, labels ...string) {
	t.add(name, "gauge", help, value, labels)
}

func (t *Text) add(name, kind, help string, value float64, labels []string) {
	if name != t.last {
		fmt.Fprintf(&t.buf, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
		t.last = name
	}
	t.buf.WriteString(name)
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	for i := 0; i+1 < len(labels); i += 2 {
		separator := ","
		if i == 0 {
			separator = "{"
		}
		fmt.Fprintf(&t.buf, `%s%s="%s"`, separator, labels[i], escape.Replace(labels[i+1]))
	}
	if len(labels) > 0 {
		t.buf.WriteByte('}')
	}
	fmt.Fprintf(&t.buf, " %s\n", strconv.FormatFloat(value, 'f', -1, 64))
}

// Process adds what the program was built from, and the usual metrics of a process that
// started at a time.
func (t *Text) Process(started time.Time) {
	b := buildinfo.Read()
	t.Gauge("netlog_build_info", "What the command was built from. The value is always 1.", 1,
		"version", b.Version, "revision", b.Revision, "goversion", b.Go)
	t.Gauge("process_start_time_seconds", "When the process started, in Unix time.", Seconds(started))
	t.system()
}

// Seconds returns at in Unix time, to a millisecond.
func Seconds(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }
