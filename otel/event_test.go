package otel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	logspb "go.opentelemetry.io/proto/slim/otlp/logs/v1"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/otel"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

const most = math.MaxUint64

// window is a record with flows of each kind.
var window = &record.Message{
	NodeID: "n1",
	Start:  time.Date(2026, 11, 22, 10, 0, 0, 1, time.UTC),
	End:    time.Date(2026, 11, 22, 10, 0, 5, 999_999_999, time.UTC),
	SrcNode: record.Node{
		NodeID: "n1", Name: "alpha", Addresses: []netip.Addr{netip.MustParseAddr("100.64.0.1")},
	},
	DstNodes: []record.Node{{NodeID: "n2", Name: "beta", Addresses: []netip.Addr{netip.MustParseAddr("100.64.0.2")}}},
	VirtualTraffic: []record.ConnectionCounts{
		connection(6, "100.64.0.1:22", "100.64.0.2:4000", tunstats.Counts{
			TxPackets: 9, TxBytes: 1<<53 + 1, RxPackets: math.MaxInt64, RxBytes: 1 << 63, TxFlags: tunstats.SYN | tunstats.ACK, RxFlags: tunstats.SYN,
		}),
		connection(6, "100.64.0.1:4001", "100.64.0.2:81", tunstats.Counts{
			TxPackets: 1, TxBytes: 60, RxPackets: 1, RxBytes: 40, TxFlags: tunstats.SYN, RxFlags: tunstats.RST,
		}),
		connection(17, "100.64.0.1:53", "[fd7a::2]:65535", tunstats.Counts{RxPackets: 1, RxBytes: 80}),
		connection(1, "100.64.0.1:0", "100.64.0.2:0", tunstats.Counts{TxPackets: 1, TxBytes: 84, RxPackets: 1, RxBytes: 84}),
	},
	SubnetTraffic: []record.ConnectionCounts{
		connection(132, "[::ffff:192.168.7.9]:1", "100.64.0.1:2", tunstats.Counts{TxPackets: 2, TxBytes: 99}),
	},
	ExitTraffic: []record.ConnectionCounts{
		{Counts: tunstats.Counts{TxPackets: 3, TxBytes: 120}},
		{Tuple: flowtrack.Tuple{Src: netip.MustParseAddrPort("100.64.0.1:0")}, Counts: tunstats.Counts{RxPackets: 1, RxBytes: 1}},
	},
	PhysicalTraffic: []record.ConnectionCounts{
		connection(0, "[fd7a::2]:0", "192.0.2.7:41641", tunstats.Counts{RxBytes: 300}),
	},
	DeniedTraffic: []record.ConnectionCounts{
		connection(6, "100.64.0.1:25", "100.64.0.2:4100", tunstats.Counts{RxPackets: 1, RxBytes: 60, RxFlags: tunstats.SYN}),
	},
}

func connection(proto flowtrack.Proto, src, dst string, counts tunstats.Counts) record.ConnectionCounts {
	return record.ConnectionCounts{
		Tuple:  flowtrack.Tuple{Proto: proto, Src: netip.MustParseAddrPort(src), Dst: netip.MustParseAddrPort(dst)},
		Counts: counts,
	}
}

// wantFlows has the body and the attributes of the flows of window, less those of the node.
var wantFlows = [][]string{
	{
		"virtual TCP 100.64.0.2:4000 -> 100.64.0.1:22 tx 9223372036854775807/9223372036854775808 S rx 9/9007199254740993 SA",
		"destination.address=100.64.0.1", "destination.port=22", "netlog.class=virtual",
		"netlog.destination.node.id=n1", "netlog.destination.node.name=alpha",
		"netlog.initiator_side=source", "netlog.local_side=destination", "netlog.protocol=6",
		"netlog.rx.bytes=9007199254740993", "netlog.rx.packets=9", "netlog.rx.tcp_flags=SA",
		"netlog.source.node.id=n2", "netlog.source.node.name=beta", "netlog.state=established",
		"netlog.tx.bytes=9223372036854775807", "netlog.tx.packets=9223372036854775807", "netlog.tx.tcp_flags=S",
		"network.transport=tcp", "network.type=ipv4", "source.address=100.64.0.2", "source.port=4000",
	}, {
		"virtual TCP 100.64.0.1:4001 -> 100.64.0.2:81 tx 1/60 S rx 1/40 R",
		"destination.address=100.64.0.2", "destination.port=81", "netlog.class=virtual",
		"netlog.destination.node.id=n2", "netlog.destination.node.name=beta",
		"netlog.initiator_side=source", "netlog.local_side=source", "netlog.protocol=6",
		"netlog.rx.bytes=40", "netlog.rx.packets=1", "netlog.rx.tcp_flags=R",
		"netlog.source.node.id=n1", "netlog.source.node.name=alpha", "netlog.state=refused",
		"netlog.tx.bytes=60", "netlog.tx.packets=1", "netlog.tx.tcp_flags=S",
		"network.transport=tcp", "network.type=ipv4", "source.address=100.64.0.1", "source.port=4001",
	}, {
		"virtual UDP [fd7a::2]:65535 -> 100.64.0.1:53 tx 1/80 rx 0/0",
		"destination.address=100.64.0.1", "destination.port=53", "netlog.class=virtual",
		"netlog.destination.node.id=n1", "netlog.destination.node.name=alpha",
		"netlog.local_side=destination", "netlog.protocol=17",
		"netlog.rx.bytes=0", "netlog.rx.packets=0", "netlog.tx.bytes=80", "netlog.tx.packets=1",
		"network.transport=udp", "network.type=ipv4", "source.address=fd7a::2", "source.port=65535",
	}, {
		"virtual ICMPv4 100.64.0.1:0 -> 100.64.0.2:0 tx 1/84 rx 1/84",
		"destination.address=100.64.0.2", "netlog.class=virtual",
		"netlog.destination.node.id=n2", "netlog.destination.node.name=beta",
		"netlog.local_side=source", "netlog.protocol=1",
		"netlog.rx.bytes=84", "netlog.rx.packets=1",
		"netlog.source.node.id=n1", "netlog.source.node.name=alpha",
		"netlog.tx.bytes=84", "netlog.tx.packets=1", "network.type=ipv4", "source.address=100.64.0.1",
	}, {
		"subnet SCTP [::ffff:192.168.7.9]:1 -> 100.64.0.1:2 tx 2/99 rx 0/0",
		"destination.address=100.64.0.1", "destination.port=2", "netlog.class=subnet",
		"netlog.destination.node.id=n1", "netlog.destination.node.name=alpha",
		"netlog.local_side=source", "netlog.protocol=132",
		"netlog.rx.bytes=0", "netlog.rx.packets=0", "netlog.tx.bytes=99", "netlog.tx.packets=2",
		"network.transport=sctp", "network.type=ipv4", "source.address=192.168.7.9", "source.port=1",
	}, {
		"exit tx 3/120 rx 0/0",
		"netlog.class=exit", "netlog.rx.bytes=0", "netlog.rx.packets=0", "netlog.tx.bytes=120", "netlog.tx.packets=3",
	}, {
		"exit 100.64.0.1:0 -> ? tx 0/0 rx 1/1",
		"netlog.class=exit", "netlog.rx.bytes=1", "netlog.rx.packets=1",
		"netlog.source.node.id=n1", "netlog.source.node.name=alpha", "netlog.tx.bytes=0", "netlog.tx.packets=0",
		"network.type=ipv4", "source.address=100.64.0.1",
	}, {
		"physical [fd7a::2]:0 -> 192.0.2.7:41641 tx 0/0 rx 0/300",
		"destination.address=192.0.2.7", "destination.port=41641", "netlog.class=physical",
		"netlog.rx.bytes=300", "netlog.rx.packets=0", "netlog.tx.bytes=0", "netlog.tx.packets=0",
		"network.type=ipv4", "source.address=fd7a::2",
	}, {
		"denied TCP 100.64.0.2:4100 -> 100.64.0.1:25 tx 1/60 S rx 0/0",
		"destination.address=100.64.0.1", "destination.port=25", "netlog.class=denied",
		"netlog.destination.node.id=n1", "netlog.destination.node.name=alpha",
		"netlog.initiator_side=source", "netlog.local_side=destination", "netlog.protocol=6",
		"netlog.rx.bytes=0", "netlog.rx.packets=0",
		"netlog.source.node.id=n2", "netlog.source.node.name=beta", "netlog.state=denied",
		"netlog.tx.bytes=60", "netlog.tx.packets=1", "netlog.tx.tcp_flags=S",
		"network.transport=tcp", "network.type=ipv4", "source.address=100.64.0.2", "source.port=4100",
	},
}

// checkFlow checks log record i of window.
func checkFlow(t *testing.T, i int, name, body string, start, end uint64, severity string, attrs map[string]any) {
	t.Helper()
	qt.Check(t, name+" "+severity, qt.Equals, "netlog.flow INFO")
	qt.Check(t, start, qt.Equals, uint64(window.Start.UnixNano()))
	qt.Check(t, end, qt.Equals, uint64(window.End.UnixNano()))
	qt.Check(t, attrs["netlog.node.id"], qt.Equals, "n1")
	qt.Check(t, attrs["netlog.node.name"], qt.Equals, "alpha")
	delete(attrs, "netlog.node.id")
	delete(attrs, "netlog.node.name")
	delete(attrs, "log.record.uid")
	got := []string{}
	for _, key := range slices.Sorted(maps.Keys(attrs)) {
		got = append(got, fmt.Sprintf("%s=%v", key, attrs[key]))
	}
	qt.Check(t, append([]string{body}, got...), qt.DeepEquals, wantFlows[i])
}

// recorder is a processor of the SDK that keeps what it gets.
type recorder struct {
	mu      sync.Mutex
	records []sdklog.Record
	least   log.Severity // that is enabled
}

func (r *recorder) OnEmit(_ context.Context, rec *sdklog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = append(r.records, rec.Clone())
	return nil
}
func (r *recorder) Enabled(_ context.Context, p sdklog.EnabledParameters) bool {
	return p.Severity >= r.least
}
func (r *recorder) Shutdown(context.Context) error   { return nil }
func (r *recorder) ForceFlush(context.Context) error { return nil }

// sdkAttributes returns the attributes of r.
func sdkAttributes(r *sdklog.Record) map[string]any {
	m := make(map[string]any)
	r.WalkAttributes(func(kv attribute.KeyValue) bool {
		m[string(kv.Key)] = kv.Value.AsInterface()
		return true
	})
	return m
}

func TestNewEmitsEachFlow(t *testing.T) {
	rec := new(recorder)
	onRecord := otel.New(sdklog.NewLoggerProvider(sdklog.WithProcessor(rec)), log.WithInstrumentationVersion("v1"))
	onRecord(window)
	qt.Assert(t, rec.records, qt.HasLen, len(wantFlows))
	for i, r := range rec.records {
		checkFlow(t, i, r.EventName(), r.Body().AsString(), uint64(r.Timestamp().UnixNano()), uint64(r.ObservedTimestamp().UnixNano()), r.SeverityText(), sdkAttributes(&r))
		qt.Check(t, r.Severity(), qt.Equals, log.SeverityInfo)
		qt.Check(t, r.InstrumentationScope().Name, qt.Equals, "github.com/go-netlog/netlog/otel")
		qt.Check(t, r.InstrumentationScope().Version, qt.Equals, "v1")
		qt.Check(t, r.InstrumentationScope().SchemaURL, qt.Matches, `https://opentelemetry.io/schemas/1\.\d+\.0`)
	}
	rec.least = log.SeverityError
	onRecord(window)
	qt.Check(t, rec.records, qt.HasLen, len(wantFlows))
}

func TestTransportSameAttributes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &collector{}
		u := upload(t, srv, logtail.Config{})
		entry, err := json.Marshal(window)
		qt.Assert(t, err, qt.IsNil)
		_, err = u.Write(entry)
		qt.Assert(t, err, qt.IsNil)
		u.end()
		qt.Assert(t, srv.stored, qt.HasLen, len(wantFlows))
		for i, r := range srv.stored {
			uid := attributes(r.Attributes)["log.record.uid"].(string)
			qt.Check(t, strings.HasSuffix(uid, fmt.Sprintf("-1-%x", i)), qt.IsTrue, qt.Commentf("%s", uid))
			checkFlow(t, i, r.EventName, r.Body.GetStringValue(), r.TimeUnixNano, r.ObservedTimeUnixNano, r.SeverityText, attributes(r.Attributes))
			qt.Check(t, r.SeverityNumber, qt.Equals, logspb.SeverityNumber_SEVERITY_NUMBER_INFO)
		}
	})
}

func TestNewEmitsLostPackets(t *testing.T) {
	rec := new(recorder)
	otel.New(sdklog.NewLoggerProvider(sdklog.WithProcessor(rec)))(&record.Message{NodeID: "n", Start: window.Start, LostPackets: most})
	qt.Assert(t, rec.records, qt.HasLen, 1)
	r := rec.records[0]
	qt.Check(t, r.EventName()+" "+r.SeverityText(), qt.Equals, "netlog.lost_packets WARN")
	qt.Check(t, sdkAttributes(&r), qt.DeepEquals, map[string]any{"netlog.node.id": "n", "netlog.lost.packets": int64(math.MaxInt64)})
}

// TestNewEmitsWhatIsEnabled has a provider that is not interested in flows.
func TestNewEmitsWhatIsEnabled(t *testing.T) {
	rec := &recorder{least: log.SeverityWarn}
	m := *window
	m.LostPackets = 1
	otel.New(sdklog.NewLoggerProvider(sdklog.WithProcessor(rec)))(&m)
	qt.Assert(t, rec.records, qt.HasLen, 1)
	qt.Check(t, rec.records[0].EventName(), qt.Equals, "netlog.lost_packets")
}

// TestAttributesDocumented checks that the code and docs/otel.md name the same attributes and events.
func TestAttributesDocumented(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "docs", "otel.md"))
	qt.Assert(t, err, qt.IsNil)
	_, tables, found := strings.Cut(string(doc), "\n## Log records\n")
	qt.Assert(t, found, qt.IsTrue)
	documented := make(map[string]bool)
	for _, match := range regexp.MustCompile("`((?:netlog|source|destination|network|log)\\.[a-z_.]+)`").FindAllStringSubmatch(tables, -1) {
		documented[match[1]] = true
	}
	delete(documented, "network.local") // the conventions have these for other purposes
	delete(documented, "network.peer")

	emitted := map[string]bool{}
	synctest.Test(t, func(t *testing.T) {
		srv := &collector{}
		u := upload(t, srv, logtail.Config{FlushDelay: time.Second})
		m := *window
		m.LostPackets = 1
		entry, err := json.Marshal(m)
		qt.Assert(t, err, qt.IsNil)
		for _, e := range []string{
			string(entry), `{"text":"x","droppedEntries":1,"droppedBytes":1}`,
			`{"event":"peer","peer":{"publicKey":"k","name":"n","address":"10.0.0.3","endpoint":"192.0.2.7:1","state":"moved","lastHandshake":"2026-11-22T10:00:00Z"}}`,
		} {
			_, err := u.Write([]byte(e))
			qt.Assert(t, err, qt.IsNil)
		}
		u.end()
		for _, r := range srv.stored {
			emitted[r.EventName] = true
			for key := range attributes(r.Attributes) {
				emitted[key] = true
			}
		}
	})
	qt.Check(t, slices.Sorted(maps.Keys(documented)), qt.DeepEquals, slices.Sorted(maps.Keys(emitted)))
}
