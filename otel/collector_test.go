package otel_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/spool"
	"github.com/go-netlog/netlog/otel"
	"github.com/go-netlog/netlog/record"
)

// realCollector is an OpenTelemetry Collector with the configuration of docs/examples/otel.
type realCollector struct {
	t               testing.TB
	program, config string
	endpoint, file  string
	cmd             *exec.Cmd
}

// newRealCollector builds a Collector, or takes the program that NETLOG_COLLECTOR names, and starts it.
func newRealCollector(t *testing.T, edit *strings.Replacer) *realCollector {
	program := os.Getenv("NETLOG_COLLECTOR")
	switch program {
	case "":
		t.Skip("set NETLOG_COLLECTOR=1 to build and run the OpenTelemetry Collector, or to a program that has it")
	case "1":
		program = filepath.Join(t.TempDir(), "collector")
		cmd := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
		cmd.Dir = filepath.Join("internal", "collector")
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("cannot build the Collector: %v\n%s", err, out)
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "docs", "examples", "otel", "collector.yaml"))
	qt.Assert(t, err, qt.IsNil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	qt.Assert(t, err, qt.IsNil)
	defer l.Close()
	dir := t.TempDir()
	r := &realCollector{
		t: t, program: program, config: filepath.Join(dir, "collector.yaml"),
		endpoint: l.Addr().String(), file: filepath.Join(dir, "flows.json"),
	}
	qt.Assert(t, os.WriteFile(r.config, []byte(edit.Replace(string(text))), 0o600), qt.IsNil)
	l.Close()
	r.start()
	t.Cleanup(func() { r.stop(syscall.SIGTERM) })
	return r
}

// start starts the Collector and waits until it listens.
func (r *realCollector) start() {
	r.cmd = exec.Command(r.program, "--config", r.config)
	r.cmd.Env = append(os.Environ(), "NETLOG_OTLP_ENDPOINT="+r.endpoint, "NETLOG_OTLP_FILE="+r.file)
	var out strings.Builder
	r.cmd.Stdout, r.cmd.Stderr = &out, &out
	qt.Assert(r.t, r.cmd.Start(), qt.IsNil)
	for range 500 {
		if c, err := net.Dial("tcp", r.endpoint); err == nil {
			c.Close()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	r.stop(syscall.SIGKILL)
	r.t.Fatalf("the Collector does not listen: %s", &out)
}

// stop ends the Collector, if it runs.
func (r *realCollector) stop(sig os.Signal) {
	if r.cmd.ProcessState == nil {
		r.cmd.Process.Signal(sig)
		r.cmd.Wait()
	}
}

// url returns the URL for logs.
func (r *realCollector) url() string { return "http://" + r.endpoint + "/v1/logs" }

// storedFlow is a log record in the file of the Collector.
type storedFlow struct {
	EventName            string
	TimeUnixNano         string
	ObservedTimeUnixNano string
	SeverityText         string
	Body                 struct{ StringValue string }
	Attributes           []struct {
		Key   string
		Value struct{ StringValue, IntValue *string }
	}
}

// attributes returns the attributes, in which integers are int64.
func (f *storedFlow) attributes(t testing.TB) map[string]any {
	m := make(map[string]any)
	for _, a := range f.Attributes {
		if a.Value.StringValue != nil {
			m[a.Key] = *a.Value.StringValue
			continue
		}
		n, err := strconv.ParseInt(*a.Value.IntValue, 10, 64)
		qt.Assert(t, err, qt.IsNil)
		m[a.Key] = n
	}
	return m
}

// stored returns what the Collector has written.
func (r *realCollector) stored() (all []storedFlow) {
	f, err := os.Open(r.file)
	qt.Assert(r.t, err, qt.IsNil)
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var line struct {
			ResourceLogs []struct {
				ScopeLogs []struct{ LogRecords []storedFlow }
			}
		}
		qt.Assert(r.t, json.Unmarshal(lines.Bytes(), &line), qt.IsNil)
		all = append(all, line.ResourceLogs[0].ScopeLogs[0].LogRecords...)
	}
	qt.Assert(r.t, lines.Err(), qt.IsNil)
	return all
}

// check checks that flows of window are stored first, exactly, and after that flows to the ports from 1 to
// n, once each if the log records have no UID, or else at least once.
func (r *realCollector) check(n int, once bool) {
	r.t.Helper()
	all := r.stored()
	for i, f := range all[:len(wantFlows)] {
		start, err := strconv.ParseUint(f.TimeUnixNano, 10, 64)
		qt.Assert(r.t, err, qt.IsNil)
		end, err := strconv.ParseUint(f.ObservedTimeUnixNano, 10, 64)
		qt.Assert(r.t, err, qt.IsNil)
		checkFlow(r.t.(*testing.T), i, f.EventName, f.Body.StringValue, start, end, f.SeverityText, f.attributes(r.t))
	}
	bodies, uids := make(map[string]int), make(map[any]int)
	for _, f := range all[len(wantFlows):] {
		a := f.attributes(r.t)
		bodies[f.Body.StringValue]++
		uids[fmt.Sprint(a["log.record.uid"], f.Body.StringValue)]++
		qt.Check(r.t, a["netlog.tx.bytes"], qt.Equals, int64(60))
	}
	want := make(map[string]int)
	for _, body := range bodiesOf(upTo(n)...) {
		want[body] = 1
	}
	doubled := len(all) - len(wantFlows) - len(bodies)
	r.t.Logf("%d flows sent, %d stored, %d stored twice", len(wantFlows)+n, len(all), doubled)
	qt.Check(r.t, uids, qt.HasLen, n, qt.Commentf("log records that are sent again have the same UID"))
	if !once {
		for body := range bodies {
			bodies[body] = 1
		}
	}
	qt.Check(r.t, maps.Equal(bodies, want), qt.IsTrue, qt.Commentf("%d of %d flows", len(bodies), n))
	qt.Check(r.t, window.VirtualTraffic[0].RxBytes > math.MaxInt64 && window.VirtualTraffic[0].TxBytes > 1<<53, qt.IsTrue)
}

// TestCollectorSDK sends 20 windows of 1,000 flows, which take 100 s in a daemon, without a pause.
func TestCollectorSDK(t *testing.T) {
	r := newRealCollector(t, strings.NewReplacer())
	exporter, err := otlploghttp.New(t.Context(), otlploghttp.WithEndpointURL(r.url()))
	qt.Assert(t, err, qt.IsNil)
	p := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter, sdklog.WithMaxQueueSize(1<<16))))
	onRecord := otel.New(p)
	onRecord(window)
	for i := range 20 {
		onRecord(windowOf(upTo(20_000)[1000*i : 1000*(i+1)]...))
	}
	qt.Assert(t, p.Shutdown(t.Context()), qt.IsNil)
	r.check(20_000, true)
}

// spooled starts an uploader with a spool and a Transport.
func spooled(t *testing.T, url string) (l *logtail.Logger, end func()) {
	id := secrettest.NewID()
	buffer, err := spool.Open(t.TempDir(), id.Public(), spool.Options{})
	qt.Assert(t, err, qt.IsNil)
	transport := &otel.Transport{Logf: t.Logf}
	l, err = logtail.NewLogger(logtail.Config{
		URL: url, PrivateID: id, Buffer: buffer, Logf: t.Logf,
		HTTPClient: &http.Client{Transport: transport},
	})
	qt.Assert(t, err, qt.IsNil)
	return l, func() {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		qt.Check(t, l.Shutdown(ctx), qt.IsNil)
		qt.Check(t, l.Stats().RefusedEntries, qt.Equals, uint64(0))
		transport.CloseIdleConnections()
		qt.Check(t, buffer.Close(), qt.IsNil)
	}
}

// send writes a record.
func send(t *testing.T, l *logtail.Logger, m *record.Message) {
	t.Helper()
	entry, err := json.Marshal(m)
	qt.Assert(t, err, qt.IsNil)
	_, err = l.Write(entry)
	qt.Assert(t, err, qt.IsNil)
}

func TestCollectorTransport(t *testing.T) {
	r := newRealCollector(t, strings.NewReplacer())
	l, end := spooled(t, r.url())
	send(t, l, window)
	for i := range 20 {
		send(t, l, windowOf(upTo(20_000)[1000*i:1000*(i+1)]...))
	}
	end()
	r.check(20_000, true)
}

// TestCollectorOutage ends the Collector during uploads, or kills it between two, and restarts it after a while. A
// kill during a request could tear the line that the Collector writes.
func TestCollectorOutage(t *testing.T) {
	r := newRealCollector(t, strings.NewReplacer())
	l, end := spooled(t, r.url())
	send(t, l, window)
	for l.Stats().DeliveredEntries == 0 {
		time.Sleep(time.Millisecond)
	}
	const rounds, perRound = 4, 2_000
	for round := range rounds {
		for i := range perRound {
			if i == perRound/2 && round%2 == 0 {
				r.stop(syscall.SIGTERM)
			} else if i == perRound/2 {
				for l.Stats().BufferedEntries > 0 {
					time.Sleep(time.Millisecond)
				}
				r.stop(syscall.SIGKILL)
			}
			send(t, l, windowOf(round*perRound+i+1))
		}
		r.start()
	}
	end()
	r.check(rounds*perRound, false)
}

// TestCollectorSmallLimit has a Collector that takes less than a full body of the uploader, and less than a
// record.
func TestCollectorSmallLimit(t *testing.T) {
	r := newRealCollector(t, strings.NewReplacer("\n        endpoint:", "\n        max_request_body_size: 100000\n        endpoint:"))
	l, end := spooled(t, r.url())
	send(t, l, window)
	for i := range 5 {
		send(t, l, windowOf(upTo(5_000)[1000*i:1000*(i+1)]...))
	}
	end()
	r.check(5_000, false)
}
