package record_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/record"
)

// TestUnmarshalAllMembers as encoding/json reads it, with members of a later version
// between them.
func TestUnmarshalAllMembers(t *testing.T) {
	const flow = `{"proto":17,"src":"[fd7a::1]:53","new":{"txPkts":9},"dst":"100.64.0.2:0","txPkts":1,"txBytes":2,"rxPkts":3,"rxBytes":4,"txFlags":3,"rxFlags":22}`
	for _, in := range []string{
		`{"nodeId":"n","start":"2026-11-22T10:00:00.000000001+02:00","end":"2026-11-22T10:00:05Z","srcNode":{"nodeId":"n1","name":"a\nb",` +
			`"addresses":["100.64.0.1","fd7a::1"],"os":"linux","new":[{}],"user":"ann","tags":["tag:a","tag:b"]},"dstNodes":[{"name":"c"},{"user":"d"}],` +
			`"virtualTraffic":[` + flow + `],"subnetTraffic":[` + flow + `,{}],"exitTraffic":[{"rxBytes":5}],"physicalTraffic":[{"proto":1}],"deniedTraffic":[` + flow + `]}`,
		`{"logtail":{"id":"aa","client_time":"2026-11-22T10:00:00.5Z","error":{"proc_id":1},"server_time":"2026-11-22T10:00:01Z",` +
			`"proc_id":4294967295,"new":[{"id":"b"}],"proc_seq":18446744073709551615,"conflict":true},` +
			`"text":"dropped \u00e9","droppedEntries":18446744073709551615,"droppedBytes":9007199254740993,"new":{"droppedBytes":1}}`,
		`{"nodeId":"n","lostPackets":18446744073709551615,"event":"peer","peer":{"publicKey":"k","new":[1],"name":"a\nb","address":"fd7a::1",` +
			`"endpoint":"[fd7a::1]:53","state":"moved","lastHandshake":"2026-11-22T10:00:00.5Z"}}`,
		`{"logtail":{"conflict":false},"droppedBytes":1,"dropped":2}`,
	} {
		var message record.Message
		var want struct {
			Logtail                      record.Meta
			Event, Text                  string
			Peer                         record.Peer
			DroppedEntries, DroppedBytes uint64
		}
		qt.Assert(t, json.Unmarshal([]byte(in), &message), qt.IsNil)
		qt.Assert(t, json.Unmarshal([]byte(in), &want), qt.IsNil)
		var got record.Entry
		qt.Assert(t, got.UnmarshalJSON([]byte(in)), qt.IsNil)
		qt.Check(t, fmt.Sprintf("%+v", got.Message), qt.Equals, fmt.Sprintf("%+v", message))
		qt.Check(t, got.Logtail, qt.Equals, want.Logtail)
		qt.Check(t, got.Event, qt.Equals, want.Event)
		qt.Check(t, got.Peer, qt.Equals, want.Peer)
		qt.Check(t, got.Text, qt.Equals, want.Text)
		qt.Check(t, [2]uint64{got.DroppedEntries, got.DroppedBytes}, qt.Equals, [2]uint64{want.DroppedEntries, want.DroppedBytes})
	}
}

// TestUnmarshalForeignEvent: shippers that write the Elastic Common Schema add an object.
func TestUnmarshalForeignEvent(t *testing.T) {
	for _, in := range []string{
		`{"event":{"created":"x","peer":1},"peer":"10.0.0.1","nodeId":"n"}`,
		`{"event":1,"peer":[{}],"nodeId":"n"}`,
		`{"event":true,"peer":false,"nodeId":"n"}`,
	} {
		var e record.Entry
		qt.Check(t, e.UnmarshalJSON([]byte(in)), qt.IsNil)
		qt.Check(t, e.Event, qt.Equals, "")
		qt.Check(t, e.Peer, qt.Equals, record.Peer{})
		qt.Check(t, e.NodeID, qt.Equals, "n")
	}
}

// TestUnmarshalNullAndEmpty: other writers print what they do not know.
func TestUnmarshalNullAndEmpty(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{`null`, `{}`},
		{`{"nodeId":null,"start":null,"srcNode":null,"dstNodes":null,"virtualTraffic":null,"logtail":null,"text":null,"droppedEntries":null}`, `{}`},
		{`{"srcNode":{"name":null,"addresses":null,"tags":null,"new":null}}`, `{"srcNode":{}}`},
		{`{"logtail":{"id":null,"client_time":null,"proc_id":null,"conflict":null}}`, `{"logtail":{}}`},
		{`{"lostPackets":null,"event":null,"peer":{"publicKey":null,"address":null,"endpoint":null,"lastHandshake":null}}`, `{}`},
		{`{"exitTraffic":[{"proto":null,"src":null,"txPkts":null}]}`, `{"exitTraffic":[{}]}`},
		{`{"start":"","logtail":{"server_time":""},"exitTraffic":[{"src":"","dst":""}]}`, `{"exitTraffic":[{}]}`},
	} {
		var got, want record.Entry
		qt.Check(t, got.UnmarshalJSON([]byte(test.in)), qt.IsNil, qt.Commentf("%s", test.in))
		qt.Assert(t, want.UnmarshalJSON([]byte(test.want)), qt.IsNil)
		qt.Check(t, fmt.Sprintf("%+v", got), qt.Equals, fmt.Sprintf("%+v", want), qt.Commentf("%s", test.in))
	}
}

// TestUnmarshalRemovesZones, which are any text, also of addresses that cannot have one.
func TestUnmarshalRemovesZones(t *testing.T) {
	var rec record.Entry
	qt.Assert(t, rec.UnmarshalJSON([]byte(`{"srcNode":{"addresses":["fe80::1%\u001b[2J","::ffff:192.0.2.1%a\nb"]},`+
		`"dstNodes":[{"addresses":["fe80::2%x"]}],"exitTraffic":[{"src":"[fe80::1%\u0007]:5","dst":"[::ffff:192.0.2.1%eth0]:0"}]}`)), qt.IsNil)
	qt.Check(t, fmt.Sprint(rec.SrcNode.Addresses, rec.DstNodes[0].Addresses), qt.Equals, "[fe80::1 ::ffff:192.0.2.1] [fe80::2]")
	qt.Check(t, rec.ExitTraffic[0].Src.String(), qt.Equals, "[fe80::1]:5")
	qt.Check(t, rec.ExitTraffic[0].Dst.String(), qt.Equals, "[::ffff:192.0.2.1]:0")
}

// TestUnmarshalInvalid has values of other types than a record has there,
// and bytes that no scanner has looked at.
func TestUnmarshalInvalid(t *testing.T) {
	for _, in := range []string{
		``, `5`, `"x"`, `[]`, `{`, `{"nodeId"`, `{"nodeId"="x"}`, `{"nodeId":"x`, `{"nodeId":"\x"}`, `{"nodeId":"\`,
		`{"nodeId":5}`, `{"start":true}`, `{"start":"today"}`, `{"srcNode":[]}`, `{"dstNodes":{}}`, `{"logtail":"x"}`,
		`{"srcNode":{"addresses":["100.64.0.1/32"]}}`, `{"srcNode":{"tags":"x"}}`, `{"virtualTraffic":5}`, `{"virtualTraffic":["x"]}`,
		`{"virtualTraffic":[{"src":"100.64.0.1"}]}`, `{"virtualTraffic":[{"dst":"host:1"}]}`, `{"new":[`, `{"new":{"a":`,
	} {
		var rec record.Entry
		qt.Check(t, rec.UnmarshalJSON([]byte(in)), qt.IsNotNil, qt.Commentf("%s", in))
	}
}

// TestUnmarshalErrorLength of what may be many megabytes.
func TestUnmarshalErrorLength(t *testing.T) {
	long := strings.Repeat("7", 1<<20)
	for _, in := range []string{
		`{"logtail":{"proc_seq":` + long + `}}`, `{"logtail":{"proc_id":-` + long + `}}`, `{"start":"` + long + `"}`, `{"start":"2026-` + long + `"}`,
		`{"srcNode":{"addresses":["` + long + `"]}}`, `{"exitTraffic":[{"src":"` + long + `:1"}]}`, `{"exitTraffic":[{"dst":"192.0.2.1:` + long + `"}]}`,
	} {
		var rec record.Entry
		err := rec.UnmarshalJSON([]byte(in))
		qt.Assert(t, err, qt.IsNotNil)
		qt.Check(t, len(err.Error()) < 200, qt.IsTrue, qt.Commentf("%.300s", err))
	}
}

func TestUnmarshalErrorKeepsItsText(t *testing.T) {
	for _, in := range []string{`{"srcNode":{"addresses":["not an address"]}}`, `{"exitTraffic":[{"src":"not a side"}]}`, `{"start":"not a time"}`} {
		data := []byte(in)
		var e record.Entry
		err := e.UnmarshalJSON(data)
		qt.Assert(t, err, qt.IsNotNil)
		before := err.Error()
		clear(data)
		qt.Check(t, err.Error(), qt.Equals, before, qt.Commentf("the input was used again"))
	}
}

func TestEntryCloneSharesNothing(t *testing.T) {
	const one, other = `{"logtail":{"proc_seq":1},"virtualTraffic":[{"txPkts":1}]}`, `{"logtail":{"proc_seq":2},"virtualTraffic":[{"txPkts":2}]}`
	var e record.Entry
	qt.Assert(t, e.UnmarshalJSON([]byte(one)), qt.IsNil)
	c := e.Clone()
	qt.Assert(t, e.UnmarshalJSON([]byte(other)), qt.IsNil)
	qt.Check(t, c.Logtail.ProcSeq, qt.Equals, uint64(1))
	qt.Check(t, c.VirtualTraffic[0].TxPackets, qt.Equals, uint64(1))
}
