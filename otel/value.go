package otel

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
	commonpb "go.opentelemetry.io/proto/slim/otlp/common/v1"
)

// keyValues returns kvs for OTLP, with room for one more.
func keyValues(kvs []attribute.KeyValue) []*commonpb.KeyValue {
	all := make([]*commonpb.KeyValue, len(kvs), len(kvs)+1)
	for i, kv := range kvs {
		all[i] = keyValue(kv)
	}
	return all
}

func keyValue(kv attribute.KeyValue) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: string(kv.Key), Value: value(kv.Value)}
}

// value returns v for OTLP, as valid UTF-8. An empty value has no type.
func value(v attribute.Value) *commonpb.AnyValue {
	out := new(commonpb.AnyValue)
	switch v.Type() {
	case attribute.EMPTY:
	case attribute.BOOL:
		out.Value = &commonpb.AnyValue_BoolValue{BoolValue: v.AsBool()}
	case attribute.INT64:
		out.Value = &commonpb.AnyValue_IntValue{IntValue: v.AsInt64()}
	case attribute.FLOAT64:
		out.Value = &commonpb.AnyValue_DoubleValue{DoubleValue: v.AsFloat64()}
	case attribute.BOOLSLICE:
		out.Value = array(v.AsBoolSlice(), attribute.BoolValue)
	case attribute.INT64SLICE:
		out.Value = array(v.AsInt64Slice(), attribute.Int64Value)
	case attribute.FLOAT64SLICE:
		out.Value = array(v.AsFloat64Slice(), attribute.Float64Value)
	case attribute.STRINGSLICE:
		out.Value = array(v.AsStringSlice(), attribute.StringValue)
	case attribute.SLICE:
		out.Value = array(v.AsSlice(), func(v attribute.Value) attribute.Value { return v })
	case attribute.BYTESLICE:
		out.Value = &commonpb.AnyValue_BytesValue{BytesValue: v.AsByteSlice()}
	case attribute.MAP:
		out.Value = &commonpb.AnyValue_KvlistValue{KvlistValue: &commonpb.KeyValueList{Values: keyValues(v.AsMap())}}
	default:
		out.Value = &commonpb.AnyValue_StringValue{StringValue: strings.ToValidUTF8(v.String(), "\ufffd")}
	}
	return out
}

func array[T any](items []T, of func(T) attribute.Value) *commonpb.AnyValue_ArrayValue {
	all := make([]*commonpb.AnyValue, len(items))
	for i, item := range items {
		all[i] = value(of(item))
	}
	return &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: all}}
}
