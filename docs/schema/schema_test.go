// Package schema_test checks that records are what the schema says.
package schema_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// full is a record with every field set, to its largest value where it has one.
func full() record.Entry {
	flow := record.ConnectionCounts{
		Tuple: flowtrack.Tuple{
			Proto: 255, Src: netip.MustParseAddrPort("[fe80::1]:65535"), Dst: netip.MustParseAddrPort("192.0.2.1:0"),
		},
		Counts: tunstats.Counts{TxPackets: 1<<64 - 1, TxBytes: 1<<64 - 1, RxPackets: 1<<64 - 1, RxBytes: 1<<64 - 1, TxFlags: 255, RxFlags: 255},
	}
	flows := []record.ConnectionCounts{flow, {Counts: flow.Counts}}
	node := record.Node{
		NodeID: "n", Name: "a\"\u2028\x00", Addresses: []netip.Addr{netip.MustParseAddr("::ffff:1.2.3.4")}, OS: "linux", User: "u", Tags: []string{"t"},
	}
	at := time.Date(2026, 11, 22, 10, 0, 0, 1, time.UTC)
	return record.Entry{
		Message: record.Message{
			NodeID: "n", Start: at, End: at, SrcNode: node, DstNodes: []record.Node{node},
			VirtualTraffic: flows, SubnetTraffic: flows, ExitTraffic: flows, PhysicalTraffic: flows, DeniedTraffic: flows, LostPackets: 1<<64 - 1,
		},
		Logtail: record.Meta{ID: strings.Repeat("0f", 32), ClientTime: at, ServerTime: at, ProcID: 1<<32 - 1, ProcSeq: 1<<64 - 1, Conflict: true},
	}
}

// store is what a receiver keeps of m.
func store(t *testing.T, r record.Entry) string {
	msg, err := json.Marshal(&r.Message)
	qt.Assert(t, err, qt.IsNil)
	meta, err := json.Marshal(r.Logtail)
	qt.Assert(t, err, qt.IsNil)
	return strings.TrimSuffix(fmt.Sprintf(`{"logtail":%s,%s`, meta, msg[1:]), ",}")
}

func readSchema(t *testing.T) map[string]any {
	b, err := os.ReadFile("record.schema.json")
	qt.Assert(t, err, qt.IsNil)
	return decode(t, string(b)).(map[string]any)
}

func decode(t *testing.T, s string) (v any) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	qt.Assert(t, d.Decode(&v), qt.IsNil, qt.Commentf("%s", s))
	return v
}

func TestRecordsFitTheSchema(t *testing.T) {
	s := validator{readSchema(t)}
	qt.Check(t, s.check(s.root, decode(t, store(t, full())), "$"), qt.IsNil)
	for _, text := range []string{
		`{"logtail":{}}`,
		`{"logtail":{"error":{"detail":"duplicate logtail member","bad_data":1}},"text":"x","droppedEntries":3,"droppedBytes":9}`,
		`{"logtail":{},"event":"peer","peer":{"publicKey":"k","name":"n","address":"10.0.0.2","endpoint":"192.0.2.7:41641","state":"moved","lastHandshake":"2026-11-22T10:00:00Z"}}`,
		`{"logtail":{"new":1},"virtualTraffic":[{"new":1}],"new":{}}`,
	} {
		qt.Check(t, s.check(s.root, decode(t, text), "$"), qt.IsNil, qt.Commentf("%s", text))
	}
}

func TestTheSchemaRefusesWhatIsNoRecord(t *testing.T) {
	s := validator{readSchema(t)}
	for _, text := range []string{
		`[]`, `{}`, `{"logtail":1}`, `{"logtail":{"id":"x"}}`, `{"logtail":{"proc_id":4294967296}}`, `{"logtail":{"conflict":1}}`, `{"logtail":{},"nodeId":true}`,
		`{"logtail":{},"start":"yesterday"}`, `{"logtail":{},"nodeId":1}`, `{"logtail":{},"lostPackets":-1}`,
		`{"logtail":{},"event":1}`, `{"logtail":{},"peer":{"endpoint":""}}`, `{"logtail":{},"peer":{"lastHandshake":"now"}}`, `{"logtail":{},"exitTraffic":{}}`,
		`{"logtail":{},"exitTraffic":[{"proto":256}]}`, `{"logtail":{},"exitTraffic":[{"src":""}]}`,
		`{"logtail":{},"exitTraffic":[{"txPkts":-1}]}`, `{"logtail":{},"exitTraffic":[{"txPkts":1.5}]}`,
		`{"logtail":{},"exitTraffic":[{"rxBytes":18446744073709551616}]}`, `{"logtail":{},"exitTraffic":[{"rxFlags":256}]}`,
	} {
		qt.Check(t, s.check(s.root, decode(t, text), "$"), qt.IsNotNil, qt.Commentf("%s", text))
	}
}

// TestTheSchemaHasEveryField walks the types, so that a field that is added to
// one of them must be added here.
func TestTheSchemaHasEveryField(t *testing.T) {
	s := validator{readSchema(t)}
	defs := s.root["$defs"].(map[string]any)
	flow := defs["traffic"].(map[string]any)["items"].(map[string]any)
	for _, test := range []struct {
		schema map[string]any
		types  []any
		more   []string // what only entries that are no messages have
	}{
		{s.root, []any{record.Message{}}, []string{"logtail", "event", "peer", "text", "droppedEntries", "droppedBytes"}},
		{defs["peer"].(map[string]any), []any{record.Peer{}}, nil},
		{flow, []any{flowtrack.Tuple{}, tunstats.Counts{}}, nil},
		{defs["node"].(map[string]any), []any{record.Node{}}, nil},
		{defs["logtail"].(map[string]any), []any{record.Meta{}}, []string{"error"}},
	} {
		want := test.more
		for _, v := range test.types {
			for f := range fields(reflect.TypeOf(v)) {
				want = append(want, f)
			}
		}
		slices.Sort(want)
		got := slices.Sorted(maps.Keys(test.schema["properties"].(map[string]any)))
		qt.Check(t, got, qt.DeepEquals, want)
	}
}

// fields calls yield with the JSON names of a struct type.
func fields(typ reflect.Type) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for field := range typ.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name != "" && name != "-" && !yield(name) {
				return
			}
		}
	}
}

func TestTheReaderReadsEveryField(t *testing.T) {
	want := full()
	raw := store(t, want)
	var got record.Entry
	qt.Assert(t, json.Unmarshal([]byte(raw), &got), qt.IsNil)
	qt.Check(t, reflect.DeepEqual(got, want), qt.IsTrue, qt.Commentf("%+v\n%+v", got, want))
}

// validator knows the part of JSON Schema that record.schema.json uses.
type validator struct{ root map[string]any }

// known are the keywords that check looks at, or that need no look.
var known = []string{
	"$defs", "$ref", "$schema", "description", "format", "items", "maximum", "minimum", "pattern", "properties", "required", "title", "type",
}

func (s validator) check(schema map[string]any, v any, path string) error {
	for k := range schema {
		if !slices.Contains(known, k) {
			return fmt.Errorf("%s: the validator does not know %q", path, k)
		}
	}
	if ref, ok := schema["$ref"].(string); ok {
		def := s.root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		return s.check(def, v, path)
	}
	switch typ := schema["type"]; v := v.(type) {
	case map[string]any:
		if typ != "object" {
			return fmt.Errorf("%s: an object, not %v", path, typ)
		}
		return s.object(schema, v, path)
	case []any:
		if typ != "array" {
			return fmt.Errorf("%s: an array, not %v", path, typ)
		}
		for i, e := range v {
			if err := s.check(schema["items"].(map[string]any), e, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	case string:
		if typ != "string" {
			return fmt.Errorf("%s: a string, not %v", path, typ)
		}
		return checkString(schema, v, path)
	case json.Number:
		if typ != "integer" {
			return fmt.Errorf("%s: a number, not %v", path, typ)
		}
		return checkInteger(schema, v, path)
	case bool:
		if typ != "boolean" {
			return fmt.Errorf("%s: a boolean, not %v", path, typ)
		}
	default:
		return fmt.Errorf("%s: %v", path, v)
	}
	return nil
}

func (s validator) object(schema, v map[string]any, path string) error {
	required, _ := schema["required"].([]any)
	for _, k := range required {
		if _, ok := v[k.(string)]; !ok {
			return fmt.Errorf("%s: no %v", path, k)
		}
	}
	props, _ := schema["properties"].(map[string]any)
	for k, e := range v {
		p, ok := props[k].(map[string]any)
		if !ok {
			continue
		}
		if err := s.check(p, e, path+"."+k); err != nil {
			return err
		}
	}
	return nil
}

func checkString(schema map[string]any, v, path string) error {
	if schema["format"] == "date-time" {
		if _, err := time.Parse(time.RFC3339Nano, v); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if p, ok := schema["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(v) {
		return fmt.Errorf("%s: %q is not of the pattern %s", path, v, p)
	}
	return nil
}

func checkInteger(schema map[string]any, v json.Number, path string) error {
	n, ok := new(big.Int).SetString(v.String(), 10)
	if !ok {
		return fmt.Errorf("%s: %v is no integer", path, v)
	}
	for key, sign := range map[string]int{"minimum": -1, "maximum": 1} {
		if bound, ok := schema[key].(json.Number); ok {
			if b, _ := new(big.Int).SetString(bound.String(), 10); n.Cmp(b) == sign {
				return fmt.Errorf("%s: %v is past %s %v", path, v, key, bound)
			}
		}
	}
	return nil
}
