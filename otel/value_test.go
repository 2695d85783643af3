package otel_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
	"go.opentelemetry.io/otel/attribute"
	collogspb "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"

	"github.com/go-netlog/netlog/otel"
)

// TestTransportResourceTypes checks that attributes keep their types, such as that of process.command_args.
func TestTransportResourceTypes(t *testing.T) {
	var got []string
	transport := otel.Transport{
		Base: roundTripper(func(r *http.Request) (*http.Response, error) {
			raw, err := io.ReadAll(r.Body)
			qt.Assert(t, err, qt.IsNil)
			var export collogspb.ExportLogsServiceRequest
			qt.Assert(t, proto.Unmarshal(raw, &export), qt.IsNil)
			for _, kv := range export.ResourceLogs[0].Resource.Attributes {
				got = append(got, strings.NewReplacer("  ", " ", "\ufffd", "?").Replace(kv.String())) // protobuf adds spaces at random
			}
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		}),
		Resource: []attribute.KeyValue{
			attribute.String("s", "x\xff"), attribute.Int("i", -1), attribute.Float64("f", 0.5), attribute.Bool("b", true),
			attribute.StringSlice("ss", []string{"a", "b\xff"}), attribute.IntSlice("is", []int{1, 2}),
			attribute.Float64Slice("fs", []float64{0.5}), attribute.BoolSlice("bs", []bool{true}), attribute.StringSlice("none", nil),
			attribute.ByteSlice("y", []byte{0xff}), attribute.Slice("l", attribute.IntValue(1), attribute.StringValue("x")),
			attribute.Map("m", attribute.Int("k", 1)), {Key: "e"},
		},
	}
	req, err := http.NewRequest("POST", "http://127.0.0.1:4318/v1/logs", strings.NewReader(`[{"text":"x"}]`))
	qt.Assert(t, err, qt.IsNil)
	_, err = transport.RoundTrip(req)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, got, qt.DeepEquals, []string{
		`key:"s" value:{string_value:"x?"}`, `key:"i" value:{int_value:-1}`, `key:"f" value:{double_value:0.5}`, `key:"b" value:{bool_value:true}`,
		`key:"ss" value:{array_value:{values:{string_value:"a"} values:{string_value:"b?"}}}`,
		`key:"is" value:{array_value:{values:{int_value:1} values:{int_value:2}}}`,
		`key:"fs" value:{array_value:{values:{double_value:0.5}}}`, `key:"bs" value:{array_value:{values:{bool_value:true}}}`,
		`key:"none" value:{array_value:{}}`, `key:"y" value:{bytes_value:"\xff"}`,
		`key:"l" value:{array_value:{values:{int_value:1} values:{string_value:"x"}}}`,
		`key:"m" value:{kvlist_value:{values:{key:"k" value:{int_value:1}}}}`, `key:"e" value:{}`,
	})
}
