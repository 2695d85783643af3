package records_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
)

// TestEveryMemberIsRead as encoding/json reads it, with members of a later version
// between them.
func TestEveryMemberIsRead(t *testing.T) {
	const flow = `{"proto":17,"src":"[fd7a::1]:53","new":{"txPkts":9},"dst":"100.64.0.2:0","txPkts":1,"txBytes":2,"rxPkts":3,"rxBytes":4}`
	for _, in := range []string{
		`{"nodeId":"n","start":"2026-11-22T10:00:00.000000001+02:00","end":"2026-11-22T10:00:05Z","srcNode":{"nodeId":"n1","name":"a\nb",` +
			`"addresses":["100.64.0.1","fd7a::1"],"os":"linux","new":[{}],"user":"ann","tags":["tag:a","tag:b"]},"dstNodes":[{"name":"c"},{"user":"d"}],` +
			`"virtualTraffic":[` + flow + `],"subnetTraffic":[` + flow + `,{}],"exitTraffic":[{"rxBytes":5}],"physicalTraffic":[{"proto":1}]}`,
		`{"logtail":{"id":"aa","client_time":"2026-11-22T10:00:00.5Z","error":{"proc_id":1},"server_time":"2026-11-22T10:00:01Z",` +
			`"proc_id":4294967295,"new":[{"id":"b"}],"proc_seq":18446744073709551615,"conflict":true},` +
			`"text":"dropped \u00e9","droppedEntries":18446744073709551615,"droppedBytes":9007199254740993,"new":{"droppedBytes":1}}`,
		`{"logtail":{"conflict":false},"droppedBytes":1,"dropped":2}`,
	} {
		var message record.Message
		var want struct {
			Logtail                      records.Meta
			Text                         string
			DroppedEntries, DroppedBytes uint64
		}
		qt.Assert(t, json.Unmarshal([]byte(in), &message), qt.IsNil)
		qt.Assert(t, json.Unmarshal([]byte(in), &want), qt.IsNil)
		got, err := records.NewReader(strings.NewReader(in), "").Next()
		qt.Assert(t, err, qt.IsNil)
		qt.Check(t, fmt.Sprintf("%+v", got.Message), qt.Equals, fmt.Sprintf("%+v", message))
		qt.Check(t, got.Logtail, qt.Equals, want.Logtail)
		qt.Check(t, got.Text, qt.Equals, want.Text)
		qt.Check(t, [2]uint64{got.DroppedEntries, got.DroppedBytes}, qt.Equals, [2]uint64{want.DroppedEntries, want.DroppedBytes})
	}
}

// TestNullAndEmptyAreAsIfAbsent: other writers print what they do not know.
func TestNullAndEmptyAreAsIfAbsent(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{`null`, `{}`},
		{`{"nodeId":null,"start":null,"srcNode":null,"dstNodes":null,"virtualTraffic":null,"logtail":null,"text":null,"droppedEntries":null}`, `{}`},
		{`{"srcNode":{"name":null,"addresses":null,"tags":null,"new":null}}`, `{"srcNode":{}}`},
		{`{"logtail":{"id":null,"client_time":null,"proc_id":null,"conflict":null}}`, `{"logtail":{}}`},
		{`{"exitTraffic":[{"proto":null,"src":null,"txPkts":null}]}`, `{"exitTraffic":[{}]}`},
		{`{"start":"","logtail":{"server_time":""},"exitTraffic":[{"src":"","dst":""}]}`, `{"exitTraffic":[{}]}`},
	} {
		var got, want records.Record
		qt.Check(t, got.UnmarshalJSON([]byte(test.in)), qt.IsNil, qt.Commentf("%s", test.in))
		qt.Assert(t, want.UnmarshalJSON([]byte(test.want)), qt.IsNil)
		got.Raw, want.Raw = nil, nil
		qt.Check(t, fmt.Sprintf("%+v", got), qt.Equals, fmt.Sprintf("%+v", want), qt.Commentf("%s", test.in))
	}
}

// TestZonesAreLeftOut, which are any text, also of addresses that cannot have one.
func TestZonesAreLeftOut(t *testing.T) {
	var rec records.Record
	qt.Assert(t, rec.UnmarshalJSON([]byte(`{"srcNode":{"addresses":["fe80::1%\u001b[2J","::ffff:192.0.2.1%a\nb"]},`+
		`"dstNodes":[{"addresses":["fe80::2%x"]}],"exitTraffic":[{"src":"[fe80::1%\u0007]:5","dst":"[::ffff:192.0.2.1%eth0]:0"}]}`)), qt.IsNil)
	qt.Check(t, fmt.Sprint(rec.SrcNode.Addresses, rec.DstNodes[0].Addresses), qt.Equals, "[fe80::1 ::ffff:192.0.2.1] [fe80::2]")
	qt.Check(t, rec.ExitTraffic[0].Src.String(), qt.Equals, "[fe80::1]:5")
	qt.Check(t, rec.ExitTraffic[0].Dst.String(), qt.Equals, "[::ffff:192.0.2.1]:0")
}

// TestWhatIsNoRecordIsAnError has values of other types than a record has there,
// and bytes that no scanner has looked at.
func TestWhatIsNoRecordIsAnError(t *testing.T) {
	for _, in := range []string{
		``, `5`, `"x"`, `[]`, `{`, `{"nodeId"`, `{"nodeId"="x"}`, `{"nodeId":"x`, `{"nodeId":"\x"}`, `{"nodeId":"\`,
		`{"nodeId":5}`, `{"start":true}`, `{"start":"today"}`, `{"srcNode":[]}`, `{"dstNodes":{}}`, `{"logtail":"x"}`,
		`{"srcNode":{"addresses":["100.64.0.1/32"]}}`, `{"srcNode":{"tags":"x"}}`, `{"virtualTraffic":5}`, `{"virtualTraffic":["x"]}`,
		`{"virtualTraffic":[{"src":"100.64.0.1"}]}`, `{"virtualTraffic":[{"dst":"host:1"}]}`, `{"new":[`, `{"new":{"a":`,
	} {
		var rec records.Record
		qt.Check(t, rec.UnmarshalJSON([]byte(in)), qt.IsNotNil, qt.Commentf("%s", in))
	}
}

// TestARecordHasSoManyElements, in all its lists, so that its memory is bounded; what
// comes behind it is read, and an envelope of records has no bound.
func TestARecordHasSoManyElements(t *testing.T) {
	const most = 100_000
	list := func(n int) string { return strings.TrimSuffix(strings.Repeat("{},", n), ",") }
	texts := strings.TrimSuffix(strings.Repeat(`"",`, most), ",")
	for in, want := range map[string]string{
		`{"logtail":{},"virtualTraffic":[` + list(most) + `]}`:                           "",
		`{"logtail":{},"virtualTraffic":[` + list(most+1) + `]}`:                         "f:1: records: more than 100000 elements in a record",
		`{"logtail":{},"exitTraffic":[` + list(1) + `],"dstNodes":[` + list(most) + `]}`: "f:1: records: more than 100000 elements in a record",
		`{"logtail":{},"exitTraffic":[{}],"srcNode":{"tags":[` + texts + `]}}`:           "f:1: records: more than 100000 elements in a record",
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

// TestAnErrorQuotesOnlyTheStart of what may be many megabytes.
func TestAnErrorQuotesOnlyTheStart(t *testing.T) {
	long := strings.Repeat("7", 1<<20)
	for _, in := range []string{
		`{"logtail":{"proc_seq":` + long + `}}`, `{"logtail":{"proc_id":-` + long + `}}`, `{"start":"` + long + `"}`, `{"start":"2026-` + long + `"}`,
		`{"srcNode":{"addresses":["` + long + `"]}}`, `{"exitTraffic":[{"src":"` + long + `:1"}]}`, `{"exitTraffic":[{"dst":"192.0.2.1:` + long + `"}]}`,
	} {
		var rec records.Record
		err := rec.UnmarshalJSON([]byte(in))
		qt.Assert(t, err, qt.IsNotNil)
		qt.Check(t, len(err.Error()) < 200, qt.IsTrue, qt.Commentf("%.300s", err))
	}
}

func TestAnErrorHasThePlaceAndTheCause(t *testing.T) {
	_, err := records.NewReader(strings.NewReader("\n"+`{"logtail":{},"start":"today"}`), "flows").Next()
	qt.Check(t, err, qt.ErrorMatches, `flows:2: .*"today".*`)
	cause, ok := errors.AsType[*time.ParseError](err)
	qt.Assert(t, ok, qt.IsTrue)
	qt.Check(t, cause.Value, qt.Equals, "today")
}
