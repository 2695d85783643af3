package records_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/records"
)

// TestReaderMaxElements checks the bound on the lists of a record. Later records are still
// read, and an envelope of records has no bound.
func TestReaderMaxElements(t *testing.T) {
	const most = 100_000
	list := func(n int) string { return strings.TrimSuffix(strings.Repeat("{},", n), ",") }
	texts := strings.TrimSuffix(strings.Repeat(`"",`, most), ",")
	for in, want := range map[string]string{
		`{"logtail":{},"virtualTraffic":[` + list(most) + `]}`:                           "",
		`{"logtail":{},"virtualTraffic":[` + list(most+1) + `]}`:                         "f:1: record: more than 100000 elements in a record",
		`{"logtail":{},"exitTraffic":[` + list(1) + `],"dstNodes":[` + list(most) + `]}`: "f:1: record: more than 100000 elements in a record",
		`{"logtail":{},"exitTraffic":[{}],"srcNode":{"tags":[` + texts + `]}}`:           "f:1: record: more than 100000 elements in a record",
		`{"items":[` + strings.Repeat(`{"logtail":{}},`, most+1) + `{"logtail":{}}]}`:    "",
	} {
		r := records.NewReader(strings.NewReader(in+"\n"+`{"logtail":{},"text":"last"}`), "f")
		var last string
		var got []string
		for {
			rec, err := r.Next()
			if err == io.EOF {
				break
			}
			if e, ok := errors.AsType[*records.Error](err); ok {
				got = append(got, e.Error())
				continue
			}
			qt.Assert(t, err, qt.IsNil)
			last = rec.Text
		}
		qt.Check(t, strings.Join(got, " "), qt.Equals, want)
		qt.Check(t, last, qt.Equals, "last")
	}
}

func TestReaderErrorPosition(t *testing.T) {
	_, err := records.NewReader(strings.NewReader("\n"+`{"logtail":{},"start":"today"}`), "flows").Next()
	qt.Check(t, err, qt.ErrorMatches, `flows:2: .*"today".*`)
	cause, ok := errors.AsType[*time.ParseError](err)
	qt.Assert(t, ok, qt.IsTrue)
	qt.Check(t, cause.Value, qt.Equals, "today")
}
