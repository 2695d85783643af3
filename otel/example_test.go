package otel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"time"

	sdklog "go.opentelemetry.io/otel/sdk/log"
	collogspb "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/otel"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// ping is an echo request (RFC 792) from 10.0.0.2 to 10.0.0.3.
var ping = []byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 2, 10, 0, 0, 3, 8, 0, 0, 0, 0, 0, 0, 0}

// logServer stands for the Sink of "netlog serve".
type logServer struct{}

func (logServer) Store(_ context.Context, b receiver.Batch) error {
	for _, raw := range b.Entries {
		var e record.Entry
		if err := json.Unmarshal(raw, &e); err != nil {
			return err
		}
		fmt.Println("log server:", e.NodeID, e.VirtualTraffic[0])
	}
	return nil
}

// exporter stands for that of otlploghttp.New.
type exporter struct{}

func (exporter) Export(_ context.Context, records []sdklog.Record) error {
	for _, r := range records {
		fmt.Println("OpenTelemetry:", r.EventName(), r.Body())
	}
	return nil
}
func (exporter) ForceFlush(context.Context) error { return nil }
func (exporter) Shutdown(context.Context) error   { return nil }

// openTelemetry stands for a collector that takes OTLP over HTTP, usually at http://127.0.0.1:4318.
func openTelemetry(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var logs collogspb.ExportLogsServiceRequest
	if err := proto.Unmarshal(body, &logs); err != nil {
		log.Print(err)
		return
	}
	for _, r := range logs.ResourceLogs[0].ScopeLogs[0].LogRecords {
		fmt.Println("OpenTelemetry:", r.EventName, r.Body.GetStringValue())
	}
}

// run runs logger for a packet.
func run(logger *netlog.Logger) {
	var tun tunstats.Meter
	err := logger.Startup(logtail.PrivateID{}, logtail.PrivateID{}, &tun, &netlog.RouteConfig{
		LocalAddrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/24")},
	})
	if err != nil {
		log.Fatal(err)
	}
	tun.UpdateTx(ping)
	shutdown(logger.Shutdown)
}

// shutdown calls a Shutdown with a timeout.
func shutdown(f func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := f(ctx); err != nil {
		log.Print(err)
	}
}

// One Logger sends to the log server of netlog, and to the SDK of OpenTelemetry.
func Example() {
	server := httptest.NewServer(&receiver.Handler{Sink: logServer{}})
	defer server.Close()
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(
		sdklog.NewBatchProcessor(exporter{}, sdklog.WithMaxQueueSize(1<<16)))) // several windows

	logger := netlog.Logger{
		NodeID:   "n1",
		Upload:   logtail.Config{BaseURL: server.URL},
		OnRecord: otel.New(provider),
	}
	run(&logger)
	shutdown(provider.Shutdown) // after the Logger
	// Unordered output:
	// log server: n1 ICMPv4 10.0.0.2:0 -> 10.0.0.3:0 tx 1/28 rx 0/0
	// OpenTelemetry: netlog.flow virtual ICMPv4 10.0.0.2:0 -> 10.0.0.3:0 tx 1/28 rx 0/0
}

// The uploader of a Logger sends to a collector of OpenTelemetry, at least once. In a daemon, it has a spool as its
// Buffer.
func ExampleTransport() {
	collector := httptest.NewServer(http.HandlerFunc(openTelemetry))
	defer collector.Close()

	var transport otel.Transport
	defer transport.CloseIdleConnections()
	logger := netlog.Logger{
		NodeID: "n1",
		Upload: logtail.Config{
			URL:                collector.URL + "/v1/logs",
			Header:             http.Header{"X-Api-Key": {"secret"}},
			HTTPClient:         &http.Client{Transport: &transport},
			DisableCompression: true, // for this example
		},
	}
	run(&logger)
	// Output: OpenTelemetry: netlog.flow virtual ICMPv4 10.0.0.2:0 -> 10.0.0.3:0 tx 1/28 rx 0/0
}

// One Logger sends to the log server of netlog and to a collector of OpenTelemetry, to both at least once. Each
// uploader has a Buffer of its own.
func ExampleTransport_both() {
	server := httptest.NewServer(&receiver.Handler{Sink: logServer{}})
	defer server.Close()
	collector := httptest.NewServer(http.HandlerFunc(openTelemetry))
	defer collector.Close()

	var transport otel.Transport
	defer transport.CloseIdleConnections()
	second, err := logtail.NewLogger(logtail.Config{
		URL:                collector.URL + "/v1/logs",
		PrivateID:          logtail.NewPrivateID(), // not sent
		HTTPClient:         &http.Client{Transport: &transport},
		DisableCompression: true, // for this example
	})
	if err != nil {
		log.Fatal(err)
	}
	logger := netlog.Logger{
		NodeID: "n1",
		Upload: logtail.Config{BaseURL: server.URL},
		OnRecord: func(m *netlog.Message) {
			entry, err := json.Marshal(m)
			if err == nil {
				_, err = second.Write(entry)
			}
			if err != nil {
				log.Print(err)
			}
		},
	}
	run(&logger)
	shutdown(second.Shutdown)
	// Unordered output:
	// log server: n1 ICMPv4 10.0.0.2:0 -> 10.0.0.3:0 tx 1/28 rx 0/0
	// OpenTelemetry: netlog.flow virtual ICMPv4 10.0.0.2:0 -> 10.0.0.3:0 tx 1/28 rx 0/0
}
