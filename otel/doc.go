// Package otel sends the flows of a [netlog.Logger] to OpenTelemetry, as log records with the attributes of its
// semantic conventions. There are two ways, with the same log records.
//
// # At least once
//
// A [Transport] lets the uploader of the Logger send to an OpenTelemetry collector, or another server that takes
// OTLP over HTTP. Records stay in the Buffer until it has answered: in memory, or across restarts in a spool.
// The Logger uploads to one server, so this takes the place of the log server of netlog.
//
//	package main
//
//	import (
//		"context"
//		"log"
//		"net/http"
//		"net/netip"
//		"time"
//
//		"github.com/go-netlog/netlog"
//		"github.com/go-netlog/netlog/logtail"
//		"github.com/go-netlog/netlog/otel"
//		"github.com/go-netlog/netlog/tunstats"
//	)
//
//	func main() {
//		var tun tunstats.Meter // call tun.UpdateTx(packet) and tun.UpdateRx(packet)
//		transport := otel.Transport{Logf: log.Printf}
//		logger := netlog.Logger{
//			NodeID: "n1",
//			Logf:   log.Printf,
//			Upload: logtail.Config{
//				URL:        "http://127.0.0.1:4318/v1/logs",
//				HTTPClient: &http.Client{Transport: &transport},
//			},
//		}
//		err := logger.Startup(logtail.PrivateID{}, logtail.PrivateID{}, &tun, &netlog.RouteConfig{
//			LocalAddrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/24")},
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//
//		time.Sleep(time.Minute) // here the daemon does its work
//
//		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
//		defer cancel()
//		if err := logger.Shutdown(ctx); err != nil {
//			log.Print(err)
//		}
//		transport.CloseIdleConnections()
//	}
//
// # Beside the log server
//
// [New] returns an OnRecord callback that emits log records to the SDK of a program that uses OpenTelemetry
// already. The Logger can still upload to a log server of netlog. The queue of the SDK is in memory, and bounded in
// log records. If it is full, or if the exporter gives up, log records are lost: this way is not at least once. The
// example of [Transport] that is called Both shows how a Logger sends to both at least once.
//
// # Log records
//
// A flow in a window is one log record with the event name netlog.flow. Its timestamp is the start of the window, and
// its observed timestamp the end, both to the nanosecond. docs/otel.md has a table of the attributes. Flows are shown
// from the side that began them, or else the one that sent first or alone; see [record.Conn]. Integers are exact to
// 2^63-1, and larger ones are written as that. Hidden exit addresses stay hidden: the log records show no more than
// the record.
//
// [record.Conn]: https://pkg.go.dev/github.com/go-netlog/netlog/record#Conn
// [netlog.Logger]: https://pkg.go.dev/github.com/go-netlog/netlog#Logger
package otel
