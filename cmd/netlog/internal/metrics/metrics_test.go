package metrics

import (
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

func TestText(t *testing.T) {
	var text Text
	text.Counter("a_total", "Things.", 1<<60)
	text.Counter("b_total", "Others.", 0.25, "why", "x\\\"\n\u00e9")
	text.Counter("b_total", "Others.", 2, "why", "y", "of", "z")
	text.Gauge("c_seconds", "A time.", Seconds(time.Unix(1_795_000_000, 123_456_789)))
	qt.Check(t, string(text.Bytes()), qt.Equals, `# HELP a_total Things.
# TYPE a_total counter
a_total 1152921504606847000
# HELP b_total Others.
# TYPE b_total counter
b_total{why="x\\\"\n`+"\u00e9"+`"} 0.25
b_total{why="y",of="z"} 2
# HELP c_seconds A time.
# TYPE c_seconds gauge
c_seconds 1795000000.123
`)
}
