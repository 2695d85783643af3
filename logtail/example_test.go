package logtail_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/go-netlog/netlog/logtail"
)

func Example() {
	// A log server for this example. Usually it is "netlog serve".
	received := make(chan string, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		received <- string(body)
	}))
	defer srv.Close()

	logger, err := logtail.NewLogger(logtail.Config{
		Collection: "flows",
		PrivateID:  logtail.NewPrivateID(), // see LoadOrCreatePrivateID
		BaseURL:    srv.URL,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(logger, `{"hello":"world"}`)

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := logger.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
	_, members, _ := strings.Cut(<-received, "},")
	fmt.Println(members)
	// Output: "hello":"world"}]
}

// Send lines to an engine with a fixed path and a token, in one request a minute.
func ExampleConfig() {
	cfg := logtail.Config{
		PrivateID:  logtail.NewPrivateID(),
		URL:        "https://logs.example.com/insert/jsonline?_time_field=logtail.client_time",
		Encoding:   logtail.NDJSON,
		Header:     http.Header{"Authorization": {"Bearer secret"}},
		FlushDelay: time.Minute,
		Logf:       log.Printf,
	}
	logger, err := logtail.NewLogger(cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer logger.Shutdown(context.Background()) // returns at once, since nothing was written
	fmt.Println(strings.Contains(fmt.Sprint(cfg), "secret"))
	// Output: false
}

// Trust a collector with a certificate of its own authority.
func ExampleNewTransport() {
	transport := logtail.NewTransport()
	transport.TLSClientConfig.RootCAs = x509.NewCertPool() // with AppendCertsFromPEM
	defer transport.CloseIdleConnections()                 // after the Shutdown of the Logger

	logger, err := logtail.NewLogger(logtail.Config{
		Collection: "flows",
		PrivateID:  logtail.NewPrivateID(),
		BaseURL:    "https://logs.example.com",
		HTTPClient: &http.Client{Transport: transport},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(logger.Shutdown(context.Background())) // returns at once, since nothing was written
	// Output: <nil>
}
